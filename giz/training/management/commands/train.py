"""manage.py train LABELSET --network ours --minutes 30"""

import shlex
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from giz.core.command import GizCommand, run_job_with_bar
from giz.core.errors import Refused
from giz.training.jobs import FEW_LABELS, FLAVOURS, ensemble_made, training_job
from giz.training.models import ModelVersion
from giz.training.nn.kinds import NETWORKS
from giz.training.reports import evaluation_text
from giz.training.services.evaluations import model_evaluate
from giz.training.services.runs import device_check
from giz.training.storage import models_folder


class Command(GizCommand):
    help = (
        "Train a network on a label set: ours (all bands; inclination, its uncertainty, rejection, reason) or one of "
        "the original's. Measures it on the test galaxies and writes it as ONNX. After an interruption, even kill -9, "
        "the same command continues from there."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("labelset", metavar="LABELSET", help="folder of the label set")
        parser.add_argument("--network", default="ours", metavar="NAME", help=f"{', '.join(NETWORKS)} (default ours)")
        parser.add_argument("--minutes", type=float, default=0.0, metavar="N", help="minutes to train")
        parser.add_argument("--steps", type=int, default=0, metavar="N", help="steps to train, instead of minutes")
        parser.add_argument(
            "--flavour", type=int, default=0, metavar="N", help="1, 2 or 3: a sub-sample of 67 %% (default 0, all)"
        )
        parser.add_argument(
            "--no-promote", action="store_false", dest="promote", help="don't put it into use, even if it is better"
        )
        parser.add_argument(
            "--ensemble", action="store_true", help="train flavours 0 to 3 one after the other, as one ensemble"
        )
        parser.add_argument("--processes", type=int, default=1, metavar="N", help="number of GPUs to use (default 1)")
        parser.add_argument(
            "--device", default="", metavar="NAME", help="cpu, cuda or cuda:1 (default: a GPU where there is one)"
        )
        parser.add_argument(
            "--from",
            dest="start",
            default="",
            metavar="MODEL",
            help="start from this network of ours: served, or the first characters of a checksum (see models)",
        )
        parser.add_argument(
            "--mixed",
            action="store_true",
            help="half of each batch are synthetic galaxies, so that what is known of them is not forgotten",
        )
        parser.add_argument(
            "--layers",
            choices=("all", "last"),
            help=f"with --from: which layers learn (default: the last with fewer than {FEW_LABELS:,} labels, else all)",
        )
        parser.add_argument(
            "--seed", type=int, default=1, metavar="N", help="random seed; another seed gives another run (default 1)"
        )

    def handle(self, *, labelset: str, **options: Any) -> None:
        folder = Path(labelset).expanduser().absolute()
        if options["ensemble"] and options["flavour"]:
            raise Refused("bad_flavour", "An ensemble takes flavours 0 to 3; leave out --flavour.")
        device_check(device=options["device"], processes=options["processes"])
        flavours = FLAVOURS if options["ensemble"] else (options["flavour"],)
        names = ("network", "minutes", "steps", "seed", "promote", "processes", "device", "start", "mixed", "layers")
        asked: dict[str, Any] = {"labelset": folder, **{name: options[name] for name in names}}
        made = ensemble_made(**asked) if options["ensemble"] else {}
        files = []
        for flavour in flavours:
            if flavour in made:
                self.stdout.write(f"{made[flavour].role} has already been trained:")
            files.append(self._told(made.get(flavour) or self._trained(flavour, asked)))
        if options["ensemble"]:
            first, *others = map(str, files)
            again = shlex.join(["manage.py", "evaluate", first, str(folder), "--ensemble", *others])
            self.stdout.write(f"The median of all, on the same galaxies. To repeat this: {again}")
            self.stdout.write(evaluation_text(model_evaluate(models=files, labelset=folder).report))

    def _trained(self, flavour: int, asked: dict[str, Any]) -> ModelVersion:
        job = training_job(flavour=flavour, **asked)
        result = run_job_with_bar(job, title=f"Train {asked['network']}{flavour or ''}").result
        return ModelVersion.objects.get(sha256=result["model"])

    def _told(self, version: ModelVersion) -> Path:
        """Say how good it is; returns where its file lies."""
        file = models_folder() / version.file_name
        self.stdout.write(evaluation_text(version.report))
        self.stdout.write(f"{file} ({version.byte_count / 1e6:.1f} MB)")
        return file
