"""What a machine keeps of its team: members, the directory, what goes out and what came in."""
