"""``manage.py access_tokens PERSON``: list, make and revoke the access tokens of a person."""

from argparse import ArgumentParser
from typing import Any

from giz.accounts.models import AccessToken, User
from giz.accounts.tokens import MOST_DAYS, token_make, token_named, token_revoke, tokens_end
from giz.core.command import GizCommand
from giz.core.words import counted

DEFAULT_DAYS = 90


class Command(GizCommand):
    help = (
        "List the access tokens of a person, with which their programs use the API; make one, or revoke one or all. "
        "A new token is printed once and can't be shown again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("person", metavar="PERSON", help="an e-mail address, or a volunteer number (v123456789)")
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--make", metavar="TITLE", help="make a token; the title says what it is for")
        what.add_argument("--revoke", metavar="PREFIX", help="revoke the token that begins like this, or: all")
        parser.add_argument(
            "--scope",
            action="append",
            default=[],
            dest="scopes",
            metavar="SCOPE",
            help=f"with --make, may be repeated: {', '.join(AccessToken.Scope.values)}",
        )
        parser.add_argument(
            "--days",
            type=int,
            default=DEFAULT_DAYS,
            metavar="N",
            help=f"with --make: how long it is valid, at most {MOST_DAYS} (default: %(default)s)",
        )

    def handle(self, *args: Any, person: str, make: str | None, revoke: str | None, **options: Any) -> None:
        owner = User.objects.named(person)
        if make is not None:
            token, secret = token_make(owner=owner, title=make, scopes=options["scopes"], days=options["days"])
            self.stdout.write(secret)
            self.stderr.write(
                f"Valid until {token.expires_at:%Y-%m-%d} for {', '.join(token.scopes)}. It can't be shown again.",
                style_func=str,
            )
        elif revoke == "all":
            self.stdout.write(f"Revoked: {counted(tokens_end(owner=owner), 'token')}.")
        elif revoke is not None:
            token_revoke(token=token_named(owner, revoke.removesuffix("…")))
            self.stdout.write(f"Revoked: {revoke}")
        else:
            for token in owner.access_tokens.order_by("id"):
                used = f"last used {token.last_used_on}" if token.last_used_on else "never used"
                self.stdout.write(
                    f"{token.prefix}…  {token.state} until {token.expires_at:%Y-%m-%d}, {used}: {token.title} "
                    f"({', '.join(token.scopes)})"
                )
