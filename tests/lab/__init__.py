"""The laboratory: commands that measure and make things which no user of the site needs.

Each is run by ``python -m tests.lab.NAME`` and explains itself with ``--help``. They use the product's services, so
Django is set up when the package is imported; that starts no server and opens no database.
"""

import os
import sys

import django
from django.apps import apps
from django.core.management.base import BaseCommand

from giz import env

if not apps.ready:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")
    env.ensure_secret_key()
    django.setup()


def run(command: BaseCommand, name: str) -> None:
    """Run a command with the arguments of this process; a refusal ends it with one sentence."""
    command.run_from_argv(["python -m", f"tests.lab.{name}", *sys.argv[1:]])
