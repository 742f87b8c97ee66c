"""The frozen data set: writing, reading, refusing, and every format of the field."""
