"""The engine as a library, for a notebook: load a text, train, evaluate, generate, look at activations."""
