"""Training as a job: a row with progress; it goes on where it stopped, on any worker that sees the same files."""

from pathlib import Path
from typing import Any

from giz.core.errors import Refused
from giz.core.jobs import JobContext, job_create, job_handler
from giz.core.models import Job
from giz.training.nn.names import check_network
from giz.training.services.runs import labelset_opened, refusals, run_of, run_train

FLAVOURS = (0, 1, 2, 3)
MOST_MINUTES = 7 * 24 * 60


def training_job(
    *,
    labelset: Path,
    network: str,
    minutes: float = 0.0,
    steps: int = 0,
    flavour: int = 0,
    seed: int = 1,
    promote: bool = True,
    owner: Any = None,
) -> Job:
    """Return the job that trains this network on this label set (the same unfinished one, where there is one)."""
    if flavour not in FLAVOURS:
        raise Refused("bad_flavour", f"A flavour is 0 (all galaxies) or 1, 2, 3 (sub-samples), not {flavour}.")
    if not (0 <= minutes <= MOST_MINUTES and steps >= 0 and seed >= 0) or bool(minutes) == bool(steps):
        raise Refused("bad_length", "Say either for how many minutes (up to a week) or for how many steps to train.")
    data = labelset_opened(labelset)
    with refusals():
        check_network(network, data.size_px)
    settings_of_run = {"network": network, "minutes": minutes, "steps": steps, "flavour": flavour, "seed": seed}
    params = {"labelset": str(labelset), "digest": data.labelset.manifest["digest"], "settings": settings_of_run}
    params["promote"] = promote
    return job_create(kind="train", params=params, owner=owner)


@job_handler("train")
def train(job: JobContext) -> dict[str, Any]:
    folder = Path(job.params["labelset"])
    data = labelset_opened(folder, full=True, on_progress=job.progress)
    if data.labelset.manifest["digest"] != job.params["digest"]:
        raise Refused("labelset_changed", f"{folder} holds another label set than when this job was made. Start anew.")
    run = run_of(job.id, data=data, settings_of_run=job.params["settings"])
    version = run_train(
        run=run,
        data=data,
        settings_of_run=job.params["settings"],
        on_progress=job.progress,
        promote=job.params["promote"],
    )
    run.refresh_from_db()
    best = run.best or {}
    job.log(f"Best validation: {best.get('words', '')} at step {best.get('step', 0)}.")
    gate = run.gate or {}
    answers = " It answers from now on." if gate["passed"] and job.params["promote"] else ""
    job.log(f"Gate: {gate['why']}{answers}", level="info" if gate["passed"] else "warning")
    return {"run": str(run.id), "model": version.sha256, "validation": best.get("words", "")}
