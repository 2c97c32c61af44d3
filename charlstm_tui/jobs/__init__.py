"""Jobs: what runs in worker threads, and the only door of the app to torch."""
