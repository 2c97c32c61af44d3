"""State: values that the screens show, and messages between them."""
