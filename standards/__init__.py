"""The ruler: versioned sets of standard galaxies of known inclination."""
