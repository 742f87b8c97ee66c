"""Train a network on a label set and register it. torch is imported only when there is something to train."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from giz.catalog.services.synthesis import labelset_synthesize
from giz.core import audit
from giz.core.errors import Refused
from giz.core.models import Job
from giz.labelset import LabelSet, LabelSetError
from giz.training.gate import CONSTANT, Gate
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.nn.data import TrainingData, TrainingError
from giz.training.nn.evaluation import ask, report_of
from giz.training.nn.predictor import Predictor
from giz.training.nn.real_error import CARD_NAME, MEASURED
from giz.training.selectors import served_model
from giz.training.services.gating import reference_of, version_judge
from giz.training.services.registry import model_promote, model_register, role_lock
from giz.training.storage import beside_folder, model_path, run_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from giz.training.nn.loop import RunState, Trainer

OnProgress = Callable[[int, int, str], None]
# The synthetic galaxies beside labels of people: enough that none is seen often in a short training.
BESIDE_GALAXIES, BESIDE_SEED = 3000, 2033


NO_TORCH = "Training needs the package {}, which is not installed here. To install it, run: .ci/torch"


def refuse_without_torch() -> None:
    """Refuse if this machine would train and has no torch; on larger sites only the training worker knows."""
    if not settings.DATABASE_URL and find_spec("torch") is None:
        raise Refused("no_torch", NO_TORCH.format("torch"), status=409)


@contextmanager
def refusals() -> Iterator[None]:
    """Turn errors of label sets and networks, and missing packages, into `Refused`."""
    try:
        yield
    except (LabelSetError, TrainingError) as error:
        raise Refused(error.code, error.detail) from None
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "onnx", "onnxscript", "safetensors", "onnxruntime"):
            raise
        raise Refused("no_torch", NO_TORCH.format(error.name)) from None


def device_check(*, device: str, processes: int) -> None:
    """Refuse a device that this machine does not have (``no_device``), before anything is read."""
    with refusals():
        from giz.training.nn.devices import device_for

        device_for(device, processes=processes)


def labelset_opened(folder: Path, *, full: bool = False, on_progress: OnProgress | None = None) -> TrainingData:
    """Open and check a label set for training or evaluation."""
    with refusals():
        report = (lambda done, total: on_progress(done, total, "checking the label set")) if on_progress else None
        return TrainingData.of(LabelSet.open(folder, verify="full" if full else "quick", on_progress=report))


def synthetic_beside(size_px: int, rule: str, on_progress: OnProgress) -> TrainingData:
    """Open the synthetic galaxies, of this population, that accompany labels of people; made the first time."""
    folder = beside_folder(size_px, rule)
    folder.parent.mkdir(parents=True, exist_ok=True)
    labelset_synthesize(
        folder=folder,
        galaxies=BESIDE_GALAXIES,
        size_px=size_px,
        seed=BESIDE_SEED,
        workers=1,
        rule=rule,
        on_progress=lambda done, total: on_progress(done, total, "making synthetic galaxies"),
    )
    return labelset_opened(folder)


def size_of(manifest: dict[str, Any]) -> int:
    """Return the side of the pictures of a label set, pixels."""
    size_px = (manifest.get("images") or {}).get("size_px")
    if not size_px:
        raise Refused("no_images", "This label set contains no pictures. Freeze or make one with pictures.")
    return int(size_px)


def run_of(job: Job, *, manifest: dict[str, Any], settings_of_run: dict[str, Any]) -> TrainingRun:
    """Return the run of this job, created the first time and found again when the job resumes."""
    run, _ = TrainingRun.objects.get_or_create(
        job=job,
        defaults={
            "labelset_name": manifest["name"],
            "labelset_digest": manifest["digest"],
            "network": settings_of_run["network"],
            "flavour": settings_of_run["flavour"],
        },
    )
    return run


def run_train(
    *,
    run: TrainingRun,
    data: TrainingData,
    settings_of_run: dict[str, Any],
    on_progress: OnProgress,
    promote: bool = True,
    processes: int = 1,
    device: str = "",
    begin: Path | None = None,
    beside: TrainingData | None = None,
) -> ModelVersion:
    """Train, or resume an interrupted run; export, measure on the test galaxies, and register the network.

    Several processes share every batch, each on its own GPU if there are enough. If the gate finds the network better
    than the one in service and `promote` is set, it goes into service.

    begin : file of a network whose weights are the initial ones. beside : galaxies of half of each batch.
    """
    with refusals():
        from giz.training.nn.devices import device_for
        from giz.training.nn.loop import TrainConfig, Trainer

        config = TrainConfig(**settings_of_run)
        run.config = asdict(config)
        run.save(update_fields=["config"])
        if processes > 1:
            _train_together(run, data, settings_of_run, on_progress, processes, device, begin, beside)
        trainer = Trainer(data, config, run_folder(run), device_for(device), begin=begin, beside=beside)
        run.config = _config(trainer)
        run.save(update_fields=["config"])

        def report(done: int, total: int, message: str) -> None:
            if len(trainer.state.history) != len(run.history):
                run_record(run, trainer.state)
            on_progress(done, total, message)

        state = trainer.fit(report)
        run_record(run, state)
        # If the run was interrupted at the gate, its network is registered already; a new export might differ in bytes.
        kept = ModelVersion.objects.filter(run=run).first()
        path, card = (model_path(kept), kept.card) if kept else _exported(run, trainer)
        asked = ask(
            data,
            Predictor(path),
            data.rows("test"),
            lambda done, total: on_progress(done, total, "measuring on the test galaxies"),
        )
        figures = {**report_of(data, card, asked), "reference": reference_of(data, asked)}
        version = kept or model_register(
            path, card=card, report={key: figures[key] for key in ("views", "outliers", "reference")}, run=run
        )
        _conclude(
            run, version, lambda: version_judge(version, data=data, asked=asked, on_progress=on_progress), promote
        )
    return version


def _train_together(
    run: TrainingRun,
    data: TrainingData,
    settings_of_run: dict[str, Any],
    on_progress: OnProgress,
    processes: int,
    device: str,
    begin: Path | None,
    beside: TrainingData | None,
) -> None:
    """Train in several processes; afterwards the run's folder holds what one process would have left."""
    from giz.training.nn.together import train_together

    def hear(line: dict[str, Any]) -> None:
        if "history" in line:
            run.history, run.best, run.stopped_early = line["history"], line["best"], line["stopped_early"]
            run.save(update_fields=["history", "best", "stopped_early"])
        on_progress(line["done"], line["total"], line["message"])

    folder = data.labelset.folder
    train_together(
        folder,
        run_folder(run),
        settings_of_run,
        processes=processes,
        device=device,
        on_line=hear,
        begin=begin,
        beside=beside.labelset.folder if beside else None,
    )


def _conclude(run: TrainingRun, version: ModelVersion, judge: Callable[[], Gate], promote: bool) -> None:
    """Record the result of the run and promote a better network, in one transaction.

    Judging takes minutes. If another version went into service meanwhile, the network is judged again, against that.
    """
    while not _concluded(run, version, judge(), promote):
        pass


def _concluded(run: TrainingRun, version: ModelVersion, gate: Gate, promote: bool) -> bool:
    """Return False and do nothing if the gate's rival is no longer in service."""
    with transaction.atomic():
        role_lock(version.role)
        served = served_model(version.role)
        if gate.rival != (served.sha256 if served else CONSTANT):
            return False
        TrainingRun.objects.filter(pk=run.pk).update(finished_at=Now(), gate=gate.as_json(), version=version)
        audit.record("network_trained", subject=str(version), labelset=run.labelset_name)
        if gate.passed and promote:
            model_promote(version=version, kind=Promotion.Kind.GATE, why=gate.why, gate=gate.as_json())
    return True


def run_record(run: TrainingRun, state: RunState) -> None:
    """Save the progress of a run, which the staff page shows as curves."""
    run.history, run.best, run.stopped_early = list(state.history), state.best, state.stopped_early
    run.save(update_fields=["history", "best", "stopped_early"])


def _config(trainer: Trainer) -> dict[str, Any]:
    beside = trainer.beside.labelset.manifest["name"] if trainer.beside else ""
    found = {"begun_from": trainer.begun_from, "beside": beside}
    return trainer.settings() | {name: value for name, value in found.items() if value}


def _exported(run: TrainingRun, trainer: Trainer) -> tuple[Path, dict[str, Any]]:
    from giz.training.nn.export import best_network, export_onnx, served_network

    served = served_network(trainer.data, best_network(trainer.folder))
    manifest = trainer.data.labelset.manifest
    card = {
        "network": run.network,
        "flavour": run.flavour,
        "labelset": {key: manifest[key] for key in ("name", "title", "origin", "digest", "counts", "versions")},
        "validation": run.best,
        "steps": trainer.state.step,
        "size_px": trainer.data.size_px,
        "config": _config(trainer),
    }
    if manifest["origin"] == "synthetic":
        card[CARD_NAME] = MEASURED.as_json()
    path = trainer.folder / "model.onnx"
    export_onnx(served, path, size_px=trainer.data.size_px, card=card)
    return path, card
