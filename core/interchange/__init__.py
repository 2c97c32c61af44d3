"""Models and losses from and for other programs: plain PyTorch, ONNX, tables and dashboards."""
