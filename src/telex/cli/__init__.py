"""The command line: thin faces over the verbs of `telex.bus`."""
