"""manage.py models"""

from argparse import ArgumentParser
from typing import Any

from django.db.models import QuerySet

from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.training.models import ModelVersion
from giz.training.selectors import answering_models
from giz.training.services.registry import model_promote, model_rollback, shipped_register


class Command(GizCommand):
    help = (
        "List the trained networks and which of them answers; or have another one answer, or the one before it. "
        "Each change stays as history on the staff page Promotions."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument("--promote", metavar="CHECKSUM", help="have this version answer (the first characters do)")
        what.add_argument("--rollback", metavar="ROLE", help="have the version before answer again, e.g. ours")
        what.add_argument("--shipped", action="store_true", help="register the network that came with GIZ")
        parser.add_argument("--why", default="", metavar="TEXT", help="kept in the history")

    def handle(self, *, promote: str | None, rollback: str | None, shipped: bool, why: str, **_options: Any) -> None:
        if promote:
            model_promote(version=_version(promote), why=why or "by manage.py models")
        elif rollback:
            model_rollback(role=rollback, why=why)
        elif shipped:
            shipped_register()
        self._list()

    def _list(self) -> None:
        roles = {version.pk: role for role, version in answering_models().items()}
        versions = list(ModelVersion.objects.all())
        for version in versions:
            answers = f"answers as {roles[version.pk]}" if version.pk in roles else ""
            origin = "came with GIZ" if version.is_shipped else "trained here"
            self.stdout.write(
                f"{version.sha256[:12]}  {version.network:<14} {version.created_at:%Y-%m-%d %H:%M}  {origin:<14} "
                f"{version.words:<28} {answers}".rstrip()
            )
        if not versions:
            self.stdout.write("No network yet. manage.py train makes one.")


def _version(checksum: str) -> ModelVersion:
    found: QuerySet[ModelVersion] = ModelVersion.objects.filter(sha256__startswith=checksum.lower())
    if len(found) != 1:
        many = "Several networks begin" if found else "No network begins"
        raise Refused("bad_checksum", f"{many} with {checksum!r}. manage.py models lists them all.")
    return found[0]
