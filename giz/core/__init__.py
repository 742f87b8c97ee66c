"""Errors, the one API error shape, pagination, job rows, audit, health: what every app stands on."""
