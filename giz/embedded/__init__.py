"""PostgreSQL and Valkey from wheels, and the supervisor of ``manage.py up``: GIZ runs with nothing else installed."""
