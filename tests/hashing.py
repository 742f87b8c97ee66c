"""A quick hasher: accounts are made in most tests, and the site's own takes a fifth of a second for each."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class QuickArgon2(Argon2PasswordHasher):
    """Argon2 with the least work it accepts; what it stores looks as the site's hashes do."""

    time_cost = 1
    memory_cost = 8
    parallelism = 1
