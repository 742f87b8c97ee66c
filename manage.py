#!/usr/bin/env python
"""Command-line entry point: starts the embedded services where a command needs them and runs Django."""

import os
import sys

READER_LEFT = 141  # the exit code in a shell: 128 + SIGPIPE


def main() -> None:
    from giz import env

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "giz.settings")

    import django
    from django.core.management import execute_from_command_line, get_commands

    import giz.celery  # noqa: F401 - otherwise tasks would go to Celery's default broker
    from giz.embedded.session import services_for_command

    try:
        env.ensure_secret_key()
        django.setup()
    except env.BadSetting as error:
        raise SystemExit(str(error)) from None
    # No server is started for a mistyped command.
    is_known = len(sys.argv) > 1 and sys.argv[1] in get_commands()
    try:
        with services_for_command(sys.argv if is_known else sys.argv[:1]):
            execute_from_command_line(sys.argv)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader of our output has left (`| head`); discard what is still to be written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(READER_LEFT) from None


if __name__ == "__main__":
    main()
