"""Synthetic spirals of known inclination: a 3D disk, bulge, bar and dust, seen through a survey's eyes (pure)."""

from giz.synthetic.make import SyntheticGalaxy, display_images, make_galaxy, make_reject
from giz.synthetic.rejects import REJECT_REASONS
from giz.synthetic.types import GALAXY_TYPES

__all__ = ["GALAXY_TYPES", "REJECT_REASONS", "SyntheticGalaxy", "display_images", "make_galaxy", "make_reject"]
