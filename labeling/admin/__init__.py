"""Staff pages of labelling, registered by being imported."""

from labeling.admin import campaigns, history, labelsets, targets, volunteers

__all__ = ["campaigns", "history", "labelsets", "targets", "volunteers"]
