"""One cell: how a programming pulse moves it."""
