"""A simulated crowd: people of known habits who judge synthetic galaxies through the real services."""
