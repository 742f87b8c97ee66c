"""How fast and how accessible the pages are for a stranger with a phone: ``make bench-web``."""
