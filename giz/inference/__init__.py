"""Predictions: networks answer about galaxies of the catalogue, of the sky, and about uploaded pictures."""
