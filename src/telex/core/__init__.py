"""The pure core: no clock, random, environment, file or socket. Time and ids are arguments."""
