"""Messages and who they are for, as one machine's store keeps them."""
