"""PostgreSQL and Valkey from wheels, and the supervisor behind ``manage.py up``: GIZ runs with nothing else installed."""
