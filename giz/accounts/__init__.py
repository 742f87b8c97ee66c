"""The people: user, volunteer number, roles."""
