"""Questions: experiment files, runs on disk, the paper's experiment."""
