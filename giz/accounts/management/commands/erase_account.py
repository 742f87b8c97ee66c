"""``manage.py erase_account PERSON``: erase a person, keep their votes under a new number."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from giz.accounts.erasure import account_erase
from giz.accounts.models import User
from giz.core.command import GizCommand


class Command(GizCommand):
    help = (
        "Erase an account: its address, password, settings, sessions and remarks are deleted; its votes are kept "
        "under a new number. This can't be undone. A superuser's rights must be removed first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="PERSON", help="an e-mail address, or a volunteer number (v123456789)")
        parser.add_argument("--keep-comments", action="store_true", help="keep the person's remarks on galaxies")
        parser.add_argument("--yes", action="store_true", help="don't ask for confirmation")

    def handle(self, *args: Any, person: str, keep_comments: bool, yes: bool, **options: Any) -> None:
        user = User.objects.named(person)
        if not yes and not self._is_sure(user):
            raise CommandError("Nothing was erased.")
        shell = account_erase(user=user, keeps_comments=keep_comments)
        self.stdout.write(f"Erased. The votes are kept, now under the number {shell.public_name}.")

    def _is_sure(self, user: User) -> bool:
        self.stdout.write(f"This erases the account of {user.public_name} ({user.role}). It can't be undone.")
        try:
            return input("Type erase to continue: ").strip().lower() == "erase"
        except EOFError:
            return False
