"""``manage.py ensure_staff``: one account that can log in to /staff/."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management.base import CommandError
from django.core.validators import validate_email

from giz import env
from giz.accounts.models import User, plain_address
from giz.accounts.staff import StaffLogin, login_file, login_file_read, login_file_write, random_password, staff_ensure
from giz.core.command import GizCommand
from giz.embedded.locks import running_address


class Command(GizCommand):
    help = (
        "Create the first staff account (a superuser) with a random password, once. On the embedded database the login "
        "is kept in GIZ_HOME/staff_login (mode 0600) until the password is changed, so that --print can show it; with "
        "DATABASE_URL it is shown only once, when it is created."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", default="staff@localhost", help="its e-mail address (default: staff@localhost)")
        parser.add_argument(
            "--print", action="store_true", dest="show", help="show the login again, if it is still kept"
        )
        parser.add_argument("--reset", action="store_true", help="set a new random password and show it")

    def handle(self, *args: Any, **options: Any) -> None:
        email = str(options["email"]).strip()
        try:
            validate_email(email)
            plain_address(email)
        except ValidationError:
            raise CommandError(
                f"--email must be an e-mail address, not {email!r}. Example: --email ann@example.org"
            ) from None
        user, login = staff_ensure(email=email, password=random_password() if options["reset"] else None)
        if login and not settings.DATABASE_URL:
            login_file_write(login_file(), login)
        to_say = login
        if login is None:
            kept = self._still_first(user)
            to_say = kept if options["show"] else None
        if to_say:
            self._say(to_say)
        elif options["show"]:
            self.stdout.write(
                f"Staff login: {user.email}, whose password has been changed. To set a new one: manage.py "
                "ensure_staff --reset"
            )

    def _still_first(self, user: User) -> StaffLogin | None:
        """Return the login in the file, if it still works; otherwise delete the file."""
        kept = login_file_read(login_file())
        if kept is None or kept.email != user.email:
            return None
        if not user.check_password(kept.password):
            login_file().unlink(missing_ok=True)
            return None
        if not user.has_first_password:  # created before this column existed
            user.has_first_password = True
            user.save(update_fields=["has_first_password"])
        return kept

    def _say(self, login: StaffLogin) -> None:
        self.stdout.write(f"Staff login: {login.email}  password: {login.password}  {_where()}")


def _where() -> str:
    """Say where to log in: at the site that runs here, or the one of SITE_URL."""
    address = running_address(settings.GIZ_HOME) or env.text("SITE_URL").rstrip("/")
    return f"at {address}/staff/" if address else "at /staff/, once the site is running (make run)"
