"""Networks learn from label sets here: runs, their jobs, and `nn`, the pure torch room."""
