"""Model: the network, and the device that computes it."""
