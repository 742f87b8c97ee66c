"""Django's PostgreSQL backend, for a server that may hang, be down or restart."""
