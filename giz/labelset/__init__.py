"""Label sets: frozen data sets on disk, written from people's labels and read by networks. Without Django."""

from giz.labelset.manifest import LabelSetSpec
from giz.labelset.reader import LabelSet
from giz.labelset.schema import Column, LabelSetError, Sides, sides_of
from giz.labelset.writer import LabelSetWriter

__all__ = ["Column", "LabelSet", "LabelSetError", "LabelSetSpec", "LabelSetWriter", "Sides", "sides_of"]
