"""The frozen data set on disk: manifest, writer, reader, formats of the field (pure). People and networks meet here."""

from giz.labelset.errors import LabelSetError
from giz.labelset.manifest import LabelSetSpec
from giz.labelset.reader import LabelSet
from giz.labelset.schema import Column
from giz.labelset.sides import Sides, sides_of
from giz.labelset.writer import LabelSetWriter

__all__ = ["Column", "LabelSet", "LabelSetError", "LabelSetSpec", "LabelSetWriter", "Sides", "sides_of"]
