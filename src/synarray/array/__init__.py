"""Many cells: tiles, and the verbs of an array (read, pulse, program)."""
