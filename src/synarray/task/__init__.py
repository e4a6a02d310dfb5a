"""What is learned: images and their classes, checked before any training."""
