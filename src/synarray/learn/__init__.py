"""Time: data sets, presentations, epochs, runs, read-out."""
