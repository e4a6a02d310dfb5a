"""The commands. They parse, call and print, and hold no logic."""
