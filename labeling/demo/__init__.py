"""The demo sky: a standard set and a campaign of synthetic galaxies whose inclination is known, to nobody but staff."""
