"""Measurements that are no pulse trains: sweeps and ramps are recognised; retention and endurance give numbers of a device."""
