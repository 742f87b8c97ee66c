"""The simulated crowd as a job; an interrupted one resumes after its last round."""

from dataclasses import asdict
from typing import Any

from giz.core import audit
from giz.core.errors import Refused
from giz.core.jobs import JobContext, job_create, job_handler
from giz.core.models import Job
from labeling.models import Campaign
from labeling.services.campaigns import campaign_named

KIND = "simulate"
MAX_VOLUNTEERS, MAX_VOTES, MAX_DAYS = 5_000, 1_000_000, 365


def simulate_job(
    *,
    campaign: Campaign,
    volunteers: int,
    votes: int,
    seed: int = 1,
    robots: float = 0.0,
    days: float = 0.0,
    owner: Any = None,
) -> Job:
    """Return the job in which this crowd judges the campaign's synthetic galaxies; real ones are refused."""
    from labeling.simulation.run import refuse_real_galaxies

    _refuse_outside("volunteers", volunteers, 1, MAX_VOLUNTEERS)
    _refuse_outside("votes", votes, 1, MAX_VOTES)
    _refuse_outside("robots", robots, 0, 1)
    _refuse_outside("days", days, 0, MAX_DAYS)
    if campaign.state != Campaign.State.OPEN:
        raise Refused("wrong_state", f"Campaign {campaign.name} is {campaign.state}; open it first.", status=409)
    refuse_real_galaxies(campaign)
    params = {"campaign": campaign.name, "volunteers": volunteers, "votes": votes, "seed": seed, "robots": robots}
    return job_create(kind=KIND, params={**params, "days": days}, owner=owner)


def _refuse_outside(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise Refused("bad_option", f"--{name} must lie between {low:,} and {high:,}, not {value:,}.")


@job_handler(KIND)
def simulate(job: JobContext) -> dict[str, Any]:
    # Imported here, so that web processes need not load numpy and the estimators.
    from labeling.simulation.crowd import robots_among
    from labeling.simulation.run import CrowdOptions, SimulatedCrowd, campaign_score

    params = dict(job.params)
    campaign = campaign_named(params.pop("campaign"))
    options = CrowdOptions(**params)
    crowd = SimulatedCrowd(campaign, options)
    votes = crowd.run(
        job.progress,
        done=job.checkpoint.get("votes", 0),
        after_round=lambda given: job.save_checkpoint({"votes": given}),
    )
    job.progress(votes, votes)  # the crowd may run out of galaxies before it has given all votes
    audit.record("crowd_simulated", subject=campaign.name, **asdict(options), given=votes)
    robots = robots_among(options.volunteers, options.robots)
    return {"votes": votes, "robots": robots, **campaign_score(campaign)}
