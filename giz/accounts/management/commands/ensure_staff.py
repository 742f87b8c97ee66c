"""``manage.py ensure_staff``: one account that can log in to /staff/."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email

from giz import env
from giz.accounts.models import User
from giz.accounts.staff import StaffLogin, login_file_read, login_file_write, random_password, staff_ensure
from giz.core.command import GizCommand
from giz.embedded.site import running_address


class Command(GizCommand):
    help = (
        "Make the first staff account (a superuser) with a random password, once. On the embedded database the login "
        "is kept in GIZ_HOME/staff_login (mode 0600), so that --print can show it again; "
        "with DATABASE_URL it is shown only when it is made."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", default="staff@localhost", help="its address (default: staff@localhost)")
        parser.add_argument("--print", action="store_true", dest="show", help="show the login again where it is kept")
        parser.add_argument("--reset", action="store_true", help="give it a new random password and show that")

    def handle(self, *args: Any, **options: Any) -> None:
        email = str(options["email"]).strip()
        try:
            validate_email(email)
        except ValidationError:
            raise CommandError(
                f"--email must be an e-mail address, not {email!r}. Example: --email ann@example.org"
            ) from None
        user, login = staff_ensure(email=email, password=random_password() if options["reset"] else None)
        file = settings.GIZ_HOME / "staff_login"
        if login and not settings.DATABASE_URL:
            login_file_write(file, login)
        if login:
            self._say(login)
        elif options["show"]:
            self._show_kept(user, login_file_read(file))

    def _show_kept(self, user: User, kept: StaffLogin | None) -> None:
        if kept and kept.email == user.email and user.check_password(kept.password):
            self._say(kept)
        else:
            self.stdout.write(
                f"Staff login: {user.email}, with the password that it was given since. "
                "A new one: manage.py ensure_staff --reset"
            )

    def _say(self, login: StaffLogin) -> None:
        self.stdout.write(f"Staff login: {login.email}  password: {login.password}  {_where()}")


def _where() -> str:
    """Where to log in: the site that runs here, or the one that SITE_URL names."""
    address = running_address(settings.GIZ_HOME) or env.text("SITE_URL").rstrip("/")
    return f"at {address}/staff/" if address else "at /staff/, once the site runs (make run)"
