"""Services that change the catalogue."""

from giz.catalog.services.galaxies import galaxies_import
from giz.catalog.services.pictures import image_record, image_store, images_import
from giz.catalog.services.shapes import shapes_measure

__all__ = ["galaxies_import", "image_record", "image_store", "images_import", "shapes_measure"]
