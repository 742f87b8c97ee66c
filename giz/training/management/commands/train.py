"""manage.py train LABELSET --network ours --minutes 30"""

import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from giz.core.command import GizCommand
from giz.core.errors import Refused
from giz.core.terminal import run_job_with_bar
from giz.training.figures import text
from giz.training.jobs import FLAVOURS, ensemble_made, training_job
from giz.training.models import ModelVersion
from giz.training.nn.names import NETWORKS
from giz.training.services.evaluations import model_evaluate
from giz.training.services.runs import device_check
from giz.training.storage import models_folder


class Command(GizCommand):
    help = (
        "Train a network on a label set: ours (all bands; inclination, its uncertainty, rejection, reason) or one of "
        "the original's. Measures it on the test galaxies and writes it as ONNX. After an interruption, kill -9 "
        "included, the same command goes on from there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("labelset", metavar="LABELSET", help="folder of the label set")
        parser.add_argument("--network", default="ours", metavar="NAME", help=f"{', '.join(NETWORKS)} (default ours)")
        parser.add_argument("--minutes", type=float, default=0.0, metavar="N", help="how long to train")
        parser.add_argument("--steps", type=int, default=0, metavar="N", help="how many steps to train, in its place")
        parser.add_argument(
            "--flavour", type=int, default=0, metavar="N", help="1, 2 or 3: a sub-sample of 67 %% (default 0, all)"
        )
        parser.add_argument(
            "--no-promote", action="store_false", dest="promote", help="don't have it answer, even if it is better"
        )
        parser.add_argument(
            "--ensemble", action="store_true", help="train flavours 0 to 3 one after the other; they answer as one"
        )
        parser.add_argument(
            "--processes", type=int, default=1, metavar="N", help="train with so many GPUs at once (default 1)"
        )
        parser.add_argument(
            "--device", default="", metavar="NAME", help="cpu, cuda or cuda:1 (default: a GPU where there is one)"
        )
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="another seed, another run (default 1)")

    def handle(self, *, labelset: str, **options: Any) -> None:
        folder = Path(labelset).expanduser().absolute()
        if options["ensemble"] and options["flavour"]:
            raise Refused("bad_flavour", "An ensemble takes flavours 0 to 3; leave out --flavour.")
        device_check(device=options["device"], processes=options["processes"])
        flavours = FLAVOURS if options["ensemble"] else (options["flavour"],)
        names = ("network", "minutes", "steps", "seed", "promote", "processes", "device")
        asked: dict[str, Any] = {"labelset": folder, **{name: options[name] for name in names}}
        made = ensemble_made(**asked) if options["ensemble"] else {}
        files = []
        for flavour in flavours:
            if flavour in made:
                self.stdout.write(f"{made[flavour].role} is trained already:")
            files.append(self._told(made.get(flavour) or self._trained(flavour, asked)))
        if options["ensemble"]:
            first, *others = map(str, files)
            again = shlex.join(["manage.py", "evaluate", first, str(folder), "--ensemble", *others])
            self.stdout.write(f"The median of all, on the same galaxies. At any time again by: {again}")
            self.stdout.write(text(model_evaluate(models=files, labelset=folder).report))

    def _trained(self, flavour: int, asked: dict[str, Any]) -> ModelVersion:
        job = training_job(flavour=flavour, **asked)
        result = run_job_with_bar(job, title=f"Train {asked['network']}{flavour or ''}").result
        return ModelVersion.objects.get(sha256=result["model"])

    def _told(self, version: ModelVersion) -> Path:
        """Say how good it is; returns where its file lies."""
        file = models_folder() / version.file_name
        self.stdout.write(text(version.report))
        self.stdout.write(f"{file} ({version.byte_count / 1e6:.1f} MB)")
        return file
