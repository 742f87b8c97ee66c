"""The demo sky: a standard set and a campaign of synthetic galaxies; only staff can see their inclinations."""
