"""Staff pages of labelling; importing them registers them."""

from labeling.admin import campaigns, history, labelsets, targets, volunteers

__all__ = ["campaigns", "history", "labelsets", "targets", "volunteers"]
