"""How dates and times are written on the pages of the server."""
