"""manage.py models"""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from giz.core.command import GizCommand
from giz.training.models import ModelVersion
from giz.training.selectors import answering_models
from giz.training.services.registry import (
    file_register,
    model_found,
    model_promote,
    model_rollback,
    shipped_register,
)


class Command(GizCommand):
    help = (
        "List the trained networks and show which one is in use; or put another one into use, or roll back to the "
        "previous one. Each change is recorded on the staff page Promotions."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        what = parser.add_mutually_exclusive_group()
        what.add_argument(
            "--promote", metavar="CHECKSUM", help="put this version into use (its first characters are enough)"
        )
        what.add_argument("--rollback", metavar="ROLE", help="roll back to the previous version, e.g. of ours")
        what.add_argument("--shipped", action="store_true", help="register the network that came with GIZ")
        what.add_argument(
            "--register", metavar="FILE", help="register an ONNX file that GIZ wrote, such as a recalibrated one"
        )
        parser.add_argument("--why", default="", metavar="TEXT", help="kept in the history")

    def handle(self, *, promote: str | None, rollback: str | None, register: str | None, **options: Any) -> None:
        why = options["why"]
        if register:
            file_register(Path(register).expanduser())
        elif promote:
            model_promote(version=model_found(promote), why=why or "by manage.py models")
        elif rollback:
            model_rollback(role=rollback, why=why)
        elif options["shipped"]:
            shipped_register()
        self._list()

    def _list(self) -> None:
        roles = {version.pk: role for role, version in answering_models().items()}
        versions = list(ModelVersion.objects.all())
        for version in versions:
            answers = f"in use as {roles[version.pk]}" if version.pk in roles else ""
            made = f"{version.created_at:%Y-%m-%d %H:%M}  {version.origin:<14}"
            self.stdout.write(
                f"{version.sha256[:12]}  {version.network:<14} {made} {version.words:<28} {answers}".rstrip()
            )
        if not versions:
            self.stdout.write("No network yet. manage.py train makes one.")
