"""The relay: the server in the middle, which keeps sealed envelopes and can read none."""
