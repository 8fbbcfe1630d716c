"""What telex knows of each client: its settings, the lines it runs, how to take them out again."""
