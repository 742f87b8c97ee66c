"""The galaxies and their pictures: imports and image preparation."""
