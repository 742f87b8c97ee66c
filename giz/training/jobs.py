"""Training as a job: a row with progress; it goes on where it stopped, on any worker that sees the same files."""

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
from giz.training.models import ModelVersion, TrainingRun
from giz.training.nn.batches import check_shares, usual_size
from giz.training.nn.names import check_network, task_of
from giz.training.services.runs import device_check, labelset_opened, refusals, run_of, run_train, size_of
from giz.training.storage import labelsets_known, model_path

FLAVOURS = (0, 1, 2, 3)
MOST_MINUTES = 7 * 24 * 60
MOST_STEPS = 10_000_000
MOST_SEED = 2**31 - 1
MOST_PROCESSES = 64
DEVICE = re.compile(r"^(cpu|cuda(:\d{1,2})?)?\Z")
DEVICE_WORDS = "A device is cpu, cuda or cuda:1 (the second GPU)."
# Of one person; further ones are refused until one of these has ended.
MOST_QUEUED = 3
RETRY_SECONDS = 600


def training_job(*, labelset: Path, owner: Any = None, **asked: Any) -> Job:
    """Return the job that trains this network on this label set (the same unfinished one, where there is one).

    asked : as `training_params` takes it.
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
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Check what is asked for; returns the manifest of the label set, and the parameters of the job.

    Only the manifest is read here: the files and every label are checked when the job begins, before the first step.
    """
    with refusals():
        # Before what it is told: somebody who mistyped the folder is to hear of that first.
        manifest = read_manifest(labelset)
    if flavour not in FLAVOURS:
        raise Refused("bad_flavour", f"A flavour is 0 (all galaxies) or 1, 2, 3 (sub-samples), not {flavour}.")
    if not (0 <= minutes <= MOST_MINUTES and 0 <= steps <= MOST_STEPS) or bool(minutes) == bool(steps):
        raise Refused("bad_length", "Say either for how many minutes (up to a week) or for how many steps to train.")
    if not 0 <= seed <= MOST_SEED:
        raise Refused("bad_seed", f"A seed is a whole number from 0 to {MOST_SEED:,}, not {seed:,}.")
    with refusals():
        check_network(network, size_of(manifest))
        _check_where(network, processes, device)
    settings_of_run = {"network": network, "minutes": minutes, "steps": steps, "flavour": flavour, "seed": seed}
    return manifest, {
        "labelset": str(labelset),
        "digest": manifest["digest"],
        "settings": settings_of_run,
        "promote": promote,
        **({"processes": processes} if processes > 1 else {}),
        **({"device": device} if device else {}),
    }


def ensemble_made(*, labelset: Path, **asked: Any) -> dict[int, ModelVersion]:
    """Of an ensemble that was begun, the flavours that need no second training: a later one is still to be trained.

    Nothing where none was begun, and nothing where all are there: asked for again, they are trained anew.
    """
    made = {flavour: _made(training_params(labelset=labelset, flavour=flavour, **asked)[1]) for flavour in FLAVOURS}
    last_missing = max((flavour for flavour in FLAVOURS if made[flavour] is None), default=0)
    return {flavour: version for flavour, version in made.items() if version and flavour < last_missing}


def _made(params: dict[str, Any]) -> ModelVersion | None:
    """What the newest job with these parameters made; None where it has not ended well, or its file is not here."""
    newest = Job.objects.filter(kind="train", params_hash=params_hash("train", params)).order_by("-created_at").first()
    if newest is None or newest.state != Job.State.DONE:
        return None
    version = ModelVersion.objects.filter(sha256=newest.result.get("model", "")).first()
    try:
        return version if version and model_path(version) else None
    except Refused:
        return None


def _check_where(network: str, processes: int, device: str) -> None:
    """Whether there are such GPUs only the machine that trains can tell: the job looks first of all."""
    if not 1 <= processes <= MOST_PROCESSES:
        raise Refused("bad_processes", f"From 1 to {MOST_PROCESSES} processes can train together, not {processes}.")
    if not DEVICE.match(device):
        raise Refused("bad_device", f"{DEVICE_WORDS[:-1]}, not {device!r}.")
    task = task_of(network)
    check_shares(task, usual_size(task), processes)


def training_start(*, labelset: str, owner: Any, **settings_of_run: Any) -> TrainingRun:
    """Queue a training on a label set under GIZ_HOME for a member of staff.

    Raises
    ------
    Refused
        ``unknown_labelset``; ``quota`` (429): three of theirs wait already; and what `training_job` refuses.
    """
    known = {found.name: found for found in labelsets_known()}
    if labelset not in known:
        raise Refused("unknown_labelset", f"There is no label set {labelset!r}. Known: {', '.join(known) or 'none'}.")
    with transaction.atomic():
        # One request of a person after the other: five hundred at once must not all find the queue short.
        get_user_model().objects.select_for_update().get(pk=owner.pk)
        job = training_job(labelset=known[labelset].folder, owner=owner, **settings_of_run)
        waiting = Job.objects.filter(kind="train", owner=owner, state=Job.State.QUEUED).count()
        if waiting > MOST_QUEUED:
            raise Refused(
                "quota",
                f"{MOST_QUEUED} trainings of yours wait already. Cancel one, or wait until one has begun.",
                status=429,
                retry_after=RETRY_SECONDS,
            )
        audit.record("training_started", actor=owner, subject=str(job.pk), labelset=labelset)
        wake_on_commit(job)
    return TrainingRun.objects.get(job=job)


def training_cancel(*, run: TrainingRun, actor: Any) -> None:
    """Stop a run: a waiting one at once, a running one at its next step. Its checkpoint stays."""
    if run.job_id is None or not job_cancel(run.job_id):
        raise Refused("job_finished", "This training has ended already; there is nothing to cancel.", status=409)
    audit.record("training_cancelled", actor=actor, subject=str(run.job_id))


def training_resume(*, run: TrainingRun, actor: Any) -> None:
    """Go on with a run that was cancelled or failed, from its last checkpoint."""
    with transaction.atomic():
        if run.job is None or not job_resume(run.job.pk):
            raise Refused("not_stopped", "Only a training that was cancelled or failed can go on.", status=409)
        audit.record("training_resumed", actor=actor, subject=str(run.job.pk))
        wake_on_commit(run.job)


@job_handler("train")
def train(job: JobContext) -> dict[str, Any]:
    folder = Path(job.params["labelset"])
    processes, device = job.params.get("processes", 1), job.params.get("device", "")
    device_check(device=device, processes=processes)
    data = labelset_opened(folder, full=True, on_progress=job.progress)
    if data.labelset.manifest["digest"] != job.params["digest"]:
        raise Refused("labelset_changed", f"{folder} holds another label set than when this job was made. Start anew.")
    run = run_of(Job.objects.get(pk=job.id), manifest=data.labelset.manifest, settings_of_run=job.params["settings"])
    version = run_train(
        run=run,
        data=data,
        settings_of_run=job.params["settings"],
        on_progress=job.progress,
        promote=job.params["promote"],
        processes=processes,
        device=device,
    )
    run.refresh_from_db()
    best = run.best or {}
    job.log(f"Best validation: {best.get('words', '')} at step {best.get('step', 0)}.")
    gate = run.gate or {}
    answers = " It answers from now on." if gate["passed"] and job.params["promote"] else ""
    job.log(f"Gate: {gate['why']}{answers}", level="info" if gate["passed"] else "warning")
    return {"run": str(run.id), "model": version.sha256, "validation": best.get("words", "")}
