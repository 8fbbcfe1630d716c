"""The link: what carries messages between this machine and the relay."""
