"""Installing into a client: planned for each file, applied as one, taken out byte for byte."""
