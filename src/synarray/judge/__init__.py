"""The verdict on a device: accuracy, energy and life, and what each imperfection costs."""
