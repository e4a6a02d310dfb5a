"""From measured pulses to a device: files read, rows put in order, numbers fitted with their uncertainty."""
