#!/usr/bin/env python
"""Command-line entry: prepares the environment, starts embedded services where a command needs them, runs Django."""

import os
import sys


def main() -> None:
    from giz import env

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")
    env.ensure_secret_key()

    from django.core.management import execute_from_command_line

    import giz.celery  # noqa: F401 - else tasks would be sent to a broker that Celery makes up
    from giz.embedded.session import services_for_command

    with services_for_command(sys.argv):
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
