"""Pure readers of the field's files: tables of galaxies, names of pictures."""
