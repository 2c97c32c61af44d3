"""Model: the network, and the device it is computed on."""
