"""What bench_labelling stands on: a site of its own, and clients."""
