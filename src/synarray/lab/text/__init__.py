"""What the text of measured files says: encodings, how numbers are written, units, and words of laboratories."""
