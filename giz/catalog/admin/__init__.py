"""Staff pages of the catalogue; importing them registers them."""

from giz.catalog.admin import galaxies
from giz.catalog.admin.galaxies import image_address

__all__ = ["galaxies", "image_address"]
