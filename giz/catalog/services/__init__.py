"""What changes the catalogue: import of galaxies and pictures."""

from giz.catalog.services.galaxies import galaxies_import
from giz.catalog.services.pictures import image_record, image_store, images_import

__all__ = ["galaxies_import", "image_record", "image_store", "images_import"]
