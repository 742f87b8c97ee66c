"""Training of networks in plain torch (pure: no Django): data, augmentation, networks, loop, checkpoints, metrics."""
