"""Speed, measured against a rival in the same run."""
