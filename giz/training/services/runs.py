"""Train a network on a label set and keep what came of it; torch is imported when there is training to do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models.functions import Now

from giz.core import audit
from giz.core.errors import Refused
from giz.core.models import Job
from giz.labelset import LabelSet, LabelSetError
from giz.training.gate import CONSTANT, Gate
from giz.training.models import ModelVersion, Promotion, TrainingRun
from giz.training.nn.data import TrainingData
from giz.training.nn.errors import TrainingError
from giz.training.nn.evaluation import ask, report_of
from giz.training.nn.predictor import Predictor
from giz.training.selectors import served_model
from giz.training.services.gating import reference_of, version_judge
from giz.training.services.registry import model_promote, model_register, role_lock
from giz.training.storage import model_path, run_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from giz.training.nn.loop import RunState, Trainer

OnProgress = Callable[[int, int, str], None]


@contextmanager
def refusals() -> Iterator[None]:
    """What the pure rooms refuse, in the words of the house."""
    try:
        yield
    except (LabelSetError, TrainingError) as error:
        raise Refused(error.code, error.detail) from None
    except ModuleNotFoundError as error:
        if error.name not in ("torch", "onnx", "onnxscript", "safetensors", "onnxruntime"):
            raise
        raise Refused(
            "no_torch", f"Training needs the package {error.name}, which is not installed here. Run: .ci/torch"
        ) from None


def device_check(*, device: str, processes: int) -> None:
    """Refuse what this machine can't train on (``no_device``), before anything is read."""
    with refusals():
        from giz.training.nn.devices import device_for

        device_for(device, processes=processes)


def labelset_opened(folder: Path, *, full: bool = False, on_progress: OnProgress | None = None) -> TrainingData:
    """A label set, checked, ready to learn from or to measure on."""
    with refusals():
        report = (lambda done, total: on_progress(done, total, "checking the label set")) if on_progress else None
        return TrainingData.of(LabelSet.open(folder, verify="full" if full else "quick", on_progress=report))


def size_of(manifest: dict[str, Any]) -> int:
    """Side of the pictures of a label set, pixels."""
    size_px = (manifest.get("images") or {}).get("size_px")
    if not size_px:
        raise Refused("no_images", "This label set holds no pictures. Freeze or make one with pictures.")
    return int(size_px)


def run_of(job: Job, *, manifest: dict[str, Any], settings_of_run: dict[str, Any]) -> TrainingRun:
    """The run of this job; made once, found again when the job goes on."""
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
) -> ModelVersion:
    """Train, or go on with a run that was interrupted; export, measure on the test galaxies, keep the file.

    Several processes share every batch, each on a GPU of its own where there are enough. The gate says whether it is
    better than the served one; where it is, and `promote`, it answers from now on.
    """
    with refusals():
        from giz.training.nn.devices import device_for
        from giz.training.nn.loop import TrainConfig, Trainer

        config = TrainConfig(**settings_of_run)
        run.config = config.as_json()
        run.save(update_fields=["config"])
        if processes > 1:
            _train_together(run, data, settings_of_run, on_progress, processes, device)
        trainer = Trainer(data, config, run_folder(run), device_for(device))
        run.config = trainer.told()
        run.save(update_fields=["config"])

        def report(done: int, total: int, message: str) -> None:
            if len(trainer.state.history) != len(run.history):
                run_record(run, trainer.state)
            on_progress(done, total, message)

        state = trainer.fit(report)
        run_record(run, state)
        # Interrupted while it was judged, its network is kept already: another export might differ in bytes.
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
) -> None:
    """Train in several processes; afterwards the folder of the run holds what one process would leave."""
    from giz.training.nn.together import train_together

    def hear(line: dict[str, Any]) -> None:
        if "history" in line:
            run.history, run.best, run.stopped_early = line["history"], line["best"], line["stopped_early"]
            run.save(update_fields=["history", "best", "stopped_early"])
        on_progress(line["done"], line["total"], line["message"])

    folder = data.labelset.folder
    train_together(folder, run_folder(run), settings_of_run, processes=processes, device=device, on_line=hear)


def _conclude(run: TrainingRun, version: ModelVersion, judge: Callable[[], Gate], promote: bool) -> None:
    """Write down what came of the run, and have the better network answer; both or none.

    Judging takes minutes. Where another version came to be served meanwhile, it is judged anew, against that one.
    """
    while not _concluded(run, version, judge(), promote):
        pass


def _concluded(run: TrainingRun, version: ModelVersion, gate: Gate, promote: bool) -> bool:
    """False, and nothing done, where the gate's rival is not what is served any more."""
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
    """Write down how far a run is: what the curves of the staff page show."""
    run.history, run.best, run.stopped_early = list(state.history), state.best, state.stopped_early
    run.save(update_fields=["history", "best", "stopped_early"])


def _exported(run: TrainingRun, trainer: Trainer) -> tuple[Path, dict[str, Any]]:
    from giz.training.nn.export import best_network, export_onnx, served_network

    served = served_network(trainer.data, trainer.learner, best_network(trainer.folder, trainer.learner))
    manifest = trainer.data.labelset.manifest
    card = {
        "network": run.network,
        "flavour": run.flavour,
        "labelset": {key: manifest[key] for key in ("name", "title", "origin", "digest", "counts", "versions")},
        "validation": run.best,
        "steps": trainer.state.step,
        "config": trainer.told(),
    }
    path = trainer.folder / "model.onnx"
    export_onnx(served, path, size_px=trainer.data.size_px, card=card)
    return path, card
