"""Texts that staff can edit: about, contact, privacy, the volunteer guide, and field guides of campaigns."""
