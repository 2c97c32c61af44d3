"""Jobs: the work that runs in worker threads. Only these modules of the app import torch."""
