#!/usr/bin/env python
"""Command-line entry: prepares the environment, starts embedded services where a command needs them, runs Django."""

import os
import sys

READER_LEFT = 141  # what a shell says of a program that ended so: 128 and SIGPIPE


def main() -> None:
    from giz import env

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")

    import django
    from django.core.management import execute_from_command_line, get_commands

    import giz.celery  # noqa: F401 - else tasks would be sent to a broker that Celery makes up
    from giz.embedded.session import services_for_command

    try:
        env.ensure_secret_key()
        django.setup()
    except env.BadSetting as error:
        raise SystemExit(str(error)) from None
    # No server is started for a slip in the command's name.
    is_known = len(sys.argv) > 1 and sys.argv[1] in get_commands()
    try:
        with services_for_command(sys.argv if is_known else sys.argv[:1]):
            execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # Who read the answer has left (`| head`). What is still to be written at the end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(READER_LEFT) from None


if __name__ == "__main__":
    main()
