"""The log of a relay in a NATS cluster."""
