"""Training as a job with progress, which any worker with access to the same files can resume."""

import re
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction

from giz.core import audit
from giz.core.errors import Refused
from giz.core.jobs import JobContext, job_cancel, job_create, job_handler, job_resume, params_hash
from giz.core.models import Job
from giz.core.tasks import wake_on_commit
from giz.labelset.manifest import read_manifest
from giz.synthetic.population import POPULATION_RULES
from giz.training.models import ModelVersion, TrainingRun
from giz.training.nn.kinds import OURS, Layers, check_network, check_shares, task_of, usual_size
from giz.training.services.registry import model_found
from giz.training.services.runs import (
    device_check,
    labelset_opened,
    refusals,
    refuse_without_torch,
    run_of,
    run_train,
    size_of,
    synthetic_beside,
)
from giz.training.storage import labelsets_known, model_path

FLAVOURS = (0, 1, 2, 3)
MOST_MINUTES = 7 * 24 * 60
MOST_STEPS = 10_000_000
MOST_SEED = 2**31 - 1
MOST_PROCESSES = 64
# The peak of the learning rate of a run that starts from a trained network: the usual one would erase what it knows.
CONTINUED_RATE = 1e-3
# With fewer accepted galaxies such a run trains the last layers only, which was better with 700 real ones
# (docs/benchmarks/real-sky.md). From where on all layers are better is not known; this is as many as there are
# synthetic galaxies beside.
FEW_LABELS = 3000
# Synthetic galaxies beside: of the population that the network that comes with GIZ learned from.
BESIDE_RULE = POPULATION_RULES[-1]
DEVICE = re.compile(r"^(cpu|cuda(:\d{1,2})?)?\Z")
DEVICE_WORDS = "A device is cpu, cuda or cuda:1 (the second GPU)."
# Most queued trainings of one person.
MOST_QUEUED = 3
RETRY_SECONDS = 600


def training_job(*, labelset: Path, owner: Any = None, **asked: Any) -> Job:
    """Return the job that trains this network on this label set; an unfinished one with the same settings is reused.

    asked : see `training_params`.
    """
    manifest, params = training_params(labelset=labelset, **asked)
    with transaction.atomic():
        lane = f"train:{owner.pk}" if owner else ""
        job = job_create(kind="train", params=params, owner=owner, lane=lane)
        run_of(job, manifest=manifest, settings_of_run=params["settings"])
    return job


def training_params(
    *,
    labelset: Path,
    network: str,
    minutes: float = 0.0,
    steps: int = 0,
    flavour: int = 0,
    seed: int = 1,
    promote: bool = True,
    processes: int = 1,
    device: str = "",
    start: str = "",
    mixed: bool = False,
    layers: Layers | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check a request; returns the manifest of the label set and the parameters of the job.

    Only the manifest is read here; files and labels are checked when the job begins, before the first step.

    start : the network whose weights are the initial ones: ``served``, or the first characters of its SHA-256.
    mixed : whether half of each batch are synthetic galaxies, which are made first where there are none yet.
    layers : None for the last ones where a run starts from a network with fewer than `FEW_LABELS`, otherwise all.
    """
    with refusals():
        # First, so that a mistyped folder is reported before anything else.
        manifest = read_manifest(labelset)
    if flavour not in FLAVOURS:
        raise Refused("bad_flavour", f"A flavour is 0 (all galaxies) or 1, 2, 3 (sub-samples), not {flavour}.")
    if not (0 <= minutes <= MOST_MINUTES and 0 <= steps <= MOST_STEPS) or bool(minutes) == bool(steps):
        raise Refused("bad_length", "Give either the number of minutes (up to a week) or the number of steps to train.")
    if not 0 <= seed <= MOST_SEED:
        raise Refused("bad_seed", f"The seed must be a whole number from 0 to {MOST_SEED:,}, not {seed:,}.")
    if start and network != OURS:
        raise Refused("bad_start", f"Training can only start from another network for {OURS!r}, not for {network!r}.")
    if mixed and network != OURS:
        raise Refused("bad_start", f"Only {OURS!r} can be trained with synthetic galaxies beside, not {network!r}.")
    if layers == "last" and not start:
        raise Refused("bad_layers", "The last layers can be trained alone only when training starts from a network.")
    if start:
        start = model_found(start).sha256
    with refusals():
        check_network(network, size_of(manifest))
        _check_where(network, processes, device)
    settings_of_run = {"network": network, "minutes": minutes, "steps": steps, "flavour": flavour, "seed": seed}
    if start:
        settings_of_run["learning_rate"] = CONTINUED_RATE
        if layers == "last" or (layers is None and manifest["counts"].get("accepted", 0) < FEW_LABELS):
            settings_of_run["layers"] = "last"
    return manifest, {
        "labelset": str(labelset),
        "digest": manifest["digest"],
        "settings": settings_of_run,
        "promote": promote,
        **({"processes": processes} if processes > 1 else {}),
        **({"device": device} if device else {}),
        **({"start": start} if start else {}),
        **({"mixed": True, "population": BESIDE_RULE} if mixed else {}),
    }


def ensemble_made(*, labelset: Path, **asked: Any) -> dict[int, ModelVersion]:
    """Return the flavours of an unfinished ensemble that are already trained.

    None if none was begun, or if all are trained: then a new request trains them all again.
    """
    made = {flavour: _made(training_params(labelset=labelset, flavour=flavour, **asked)[1]) for flavour in FLAVOURS}
    last_missing = max((flavour for flavour in FLAVOURS if made[flavour] is None), default=0)
    return {flavour: version for flavour, version in made.items() if version and flavour < last_missing}


def _made(params: dict[str, Any]) -> ModelVersion | None:
    """Return the network of the newest job with these parameters; None if it failed, or its file is missing."""
    newest = Job.objects.filter(kind="train", params_hash=params_hash("train", params)).order_by("-created_at").first()
    if newest is None or newest.state != Job.State.DONE:
        return None
    version = ModelVersion.objects.filter(sha256=newest.result.get("model", "")).first()
    try:
        return version if version and model_path(version) else None
    except Refused:
        return None


def _check_where(network: str, processes: int, device: str) -> None:
    """Check the format only: whether there are such GPUs is checked by the job, on the machine that trains."""
    if not 1 <= processes <= MOST_PROCESSES:
        raise Refused("bad_processes", f"From 1 to {MOST_PROCESSES} processes can train together, not {processes}.")
    if not DEVICE.match(device):
        raise Refused("bad_device", f"{DEVICE_WORDS[:-1]}, not {device!r}.")
    task = task_of(network)
    check_shares(task, usual_size(task), processes)


def training_start(*, labelset: str, owner: Any, **settings_of_run: Any) -> TrainingRun:
    """Queue a training on a label set under GIZ_HOME, for a member of staff.

    Raises
    ------
    Refused
        ``unknown_labelset``; ``no_torch`` (409); ``quota`` (429): three are queued already; and as `training_job`.
    """
    refuse_without_torch()
    known = {found.name: found for found in labelsets_known()}
    if labelset not in known:
        raise Refused("unknown_labelset", f"There is no label set {labelset!r}. Known: {', '.join(known) or 'none'}.")
    with transaction.atomic():
        # Serialise the requests of a person, so that many at once don't all find the queue short.
        get_user_model().objects.select_for_update().get(pk=owner.pk)
        job = training_job(labelset=known[labelset].folder, owner=owner, **settings_of_run)
        waiting = Job.objects.filter(kind="train", owner=owner, state=Job.State.QUEUED).count()
        if waiting > MOST_QUEUED:
            raise Refused(
                "quota",
                f"{MOST_QUEUED} of your trainings are already waiting. Cancel one, or wait until one has started.",
                status=429,
                retry_after=RETRY_SECONDS,
            )
        audit.record("training_started", actor=owner, subject=str(job.pk), labelset=labelset)
        wake_on_commit(job)
    return TrainingRun.objects.get(job=job)


def training_cancel(*, run: TrainingRun, actor: Any) -> None:
    """Stop a run: a queued one at once, a running one at its next step. Its checkpoint is kept."""
    if run.job_id is None or not job_cancel(run.job_id):
        raise Refused("job_finished", "This training has already ended, so it can't be cancelled.", status=409)
    audit.record("training_cancelled", actor=actor, subject=str(run.job_id))


def training_resume(*, run: TrainingRun, actor: Any) -> None:
    """Resume a run that was cancelled or failed, from its last checkpoint."""
    with transaction.atomic():
        if run.job is None or not job_resume(run.job.pk):
            raise Refused("not_stopped", "Only a training that was cancelled or failed can be resumed.", status=409)
        audit.record("training_resumed", actor=actor, subject=str(run.job.pk))
        wake_on_commit(run.job)


def _begin(start: str) -> Path | None:
    return model_path(model_found(start)) if start else None


@job_handler("train")
def train(job: JobContext) -> dict[str, Any]:
    folder = Path(job.params["labelset"])
    processes, device = job.params.get("processes", 1), job.params.get("device", "")
    device_check(device=device, processes=processes)
    data = labelset_opened(folder, full=True, on_progress=job.progress)
    if data.labelset.manifest["digest"] != job.params["digest"]:
        raise Refused(
            "labelset_changed",
            f"{folder} contains another label set than when this job was created. Start a new training.",
        )
    run = run_of(Job.objects.get(pk=job.id), manifest=data.labelset.manifest, settings_of_run=job.params["settings"])
    beside = None
    if job.params.get("mixed"):
        # Jobs of older versions do not name the population: there was one.
        beside = synthetic_beside(data.size_px, job.params.get("population", POPULATION_RULES[0]), job.progress)
    version = run_train(
        run=run,
        data=data,
        settings_of_run=job.params["settings"],
        on_progress=job.progress,
        promote=job.params["promote"],
        processes=processes,
        device=device,
        begin=_begin(job.params.get("start", "")),
        beside=beside,
    )
    run.refresh_from_db()
    best = run.best or {}
    job.log(f"Best validation: {best.get('words', '')} at step {best.get('step', 0)}.")
    gate = run.gate or {}
    answers = " It is now in use." if gate["passed"] and job.params["promote"] else ""
    job.log(f"Gate: {gate['why']}{answers}", level="info" if gate["passed"] else "warning")
    return {"run": str(run.id), "model": version.sha256, "validation": best.get("words", "")}
