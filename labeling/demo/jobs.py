"""The demo sky as a job; an interrupted one resumes where it stopped."""

from typing import Any

from giz.catalog.formats.numbers import FIRST_SYNTHETIC_PGC
from giz.catalog.models import SyntheticTruth
from giz.core.errors import Refused
from giz.core.jobs import UNFINISHED, JobContext, job_create, job_handler
from giz.core.models import Job
from labeling.models import Campaign

KIND = "demo"
NAME = "demo"


def demo_job(*, size_px: int, seed: int, per_bin: int, targets: int, first_targets: int = 12, owner: Any = None) -> Job:
    """Return the job that makes this demo sky; an unfinished one with the same options is reused.

    Raises
    ------
    Refused
        Another demo sky exists or is being made, or the name of its campaign is taken.
    """
    params = {
        "size_px": size_px,
        "seed": seed,
        "per_bin": per_bin,
        "targets": targets,
        "first_targets": min(first_targets, targets),
    }
    other = Job.objects.filter(kind=KIND, state__in=UNFINISHED).exclude(params=params).first()
    if other:
        raise Refused(
            "demo_busy",
            f"A demo sky with other options is already being made (job {other.id}). Wait for it, or cancel it on the "
            "staff page.",
            status=409,
        )
    _refuse_other_sky(size_px, seed)
    campaign = Campaign.objects.select_related("standard_set").filter(name=NAME).first()
    if campaign and campaign.standard_set.name != NAME:
        raise Refused(
            "demo_name_taken",
            f"There is a campaign named {NAME!r} over the standard set {campaign.standard_set}, which does not belong "
            "to the demo sky. The demo sky needs that name.",
            status=409,
        )
    return job_create(kind=KIND, params=params, owner=owner)


@job_handler(KIND)
def make_demo(job: JobContext) -> dict[str, Any]:
    # Imported here, so that web processes need not load numpy and scipy.
    from labeling.demo.build import DemoOptions, DemoSky

    options = DemoOptions(**job.params)
    _refuse_other_sky(options.size_px, options.seed)
    return DemoSky(options, job.progress).build()


def _refuse_other_sky(size_px: int, seed: int) -> None:
    """Refuse a second demo sky: it would use the same PGC numbers as the first."""
    stands = SyntheticTruth.objects.filter(galaxy__pgc=FIRST_SYNTHETIC_PGC).first()
    if stands is None:
        return
    was = (stands.parameters.get("size_px"), stands.parameters.get("sky_seed"))
    if was != (size_px, seed):
        raise Refused(
            "demo_differs",
            f"The demo sky here was made with --size {was[0]} --seed {was[1]}; one with --size {size_px} --seed {seed} "
            "would mix with it. Use the same options, or another GIZ_HOME.",
            status=409,
        )
