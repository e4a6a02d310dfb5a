"""Questions: experiment files, runs on disk, the paper's experiment, studies of many runs."""
