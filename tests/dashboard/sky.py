"""A small sky for the staff pages: standards, a campaign, people, votes over a few days, jobs with logs."""

import uuid
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from giz.accounts.models import User
from giz.catalog.models import Galaxy, GalaxyIdentifier, GalaxyImage, GalaxyRevision, GalaxyShape, RealismTrial
from giz.core.models import Job, JobLogLine
from giz.texts.models import TextPicture
from giz.training.models import ModelVersion, Promotion, TrainingRun
from labeling.models import (
    Campaign,
    Certificate,
    Consensus,
    LabelSet,
    NetworkAnswer,
    NetworkOrder,
    PracticeRound,
    Target,
    Task,
    Vote,
)
from standards.models import Proposal, Standard, StandardSet

VERDICTS = ("A", "A", "A", "F", "J")


def make_galaxy(pgc: int, **values: Any) -> Galaxy:
    galaxy = Galaxy.objects.create(pgc=pgc, **values)
    GalaxyImage.objects.create(
        galaxy=galaxy,
        band="gri",
        stem=f"ab/{pgc:026d}",
        sizes_px=[128, 256],
        content_sha256="0" * 64,
        origin="file",
        source_width_px=256,
        source_height_px=256,
    )
    return galaxy


def make_set(name: str = "ruler", first_pgc: int = 1) -> StandardSet:
    """Ten standards; published at the end, as a published set can't be added to."""
    made = StandardSet.objects.create(name=name, version=1, digest="d")
    for place in range(10):
        Standard.objects.create(
            standard_set=made,
            galaxy=make_galaxy(first_pgc + place),
            inclination_deg=45 + 5 * place,
            bin_deg=45 + 5 * place,
        )
    made.state, made.published_at = StandardSet.State.PUBLISHED, timezone.now()
    made.save()
    return made


def make_campaign(name: str, standard_set: StandardSet, first_pgc: int, targets: int = 5, **values: Any) -> Campaign:
    values = {"title": name.capitalize(), "state": "open", **values}
    campaign = Campaign.objects.create(name=name, standard_set=standard_set, **values)
    for place in range(targets):
        Target.objects.create(
            campaign=campaign, galaxy=make_galaxy(first_pgc + place), quota=campaign.overlap, order_key=place / targets
        )
    return campaign


def make_vote(target: Target, volunteer: User, place: int = 0, **values: Any) -> Vote:
    verdict = values.pop("verdict", VERDICTS[place % len(VERDICTS)])
    task = Task.objects.create(
        target=target,
        volunteer=volunteer,
        standard_set=target.campaign.standard_set,
        state="voted",
        due_at=timezone.now(),
    )
    vote = Vote.objects.create(
        key=uuid.uuid4(),
        body_hash="h",
        target=target,
        volunteer=volunteer,
        task=task,
        standard_set=target.campaign.standard_set,
        verdict=verdict,
        inclination_deg=60.5 if verdict == "A" else None,
        inclination_rounded_deg=60 if verdict == "A" else None,
        reasons=["disturbed"] if verdict == "J" else [],
        **{"created_at": timezone.now() - timedelta(hours=place), **values},
    )
    Target.objects.filter(pk=target.pk).update(vote_count=target.vote_count + 1)
    target.refresh_from_db()
    return vote


def make_consensus(target: Target) -> Consensus:
    return Consensus.objects.create(
        target=target, estimator="median", rule_version="median-1", verdict="A", inclination_deg=60.5, volunteer_count=3
    )


def make_job(kind: str = "import_galaxies", lines: int = 3, **values: Any) -> Job:
    values = {"state": "running", "progress_done": 40, "progress_total": 100, "params_hash": uuid.uuid4().hex, **values}
    job = Job.objects.create(kind=kind, **values)
    for place in range(lines):
        JobLogLine.objects.create(job=job, text=f"line {place}: ra is 400, must lie in 0..360", level="warning")
    return job


def make_label_set(campaign: Campaign) -> LabelSet:
    """The row of a frozen label set (its files are not needed for lists and pages)."""
    return LabelSet.objects.create(
        name=f"{campaign.name}-median-1",
        campaign=campaign,
        estimator="median",
        as_of=1,
        digest="0" * 64,
        galaxy_count=3,
        byte_count=1_000,
        manifest={"counts": {"galaxies": 3, "face_on": 1}, "versions": {"estimator": "median"}},
    )


def make_proposal(galaxy: Galaxy, set_name: str, person: User) -> Proposal:
    """A galaxy that an import changed, that was measured, and accepted as a standard."""
    GalaxyIdentifier.objects.create(galaxy=galaxy, scheme="desi", value=str(galaxy.pgc))
    GalaxyRevision.objects.create(galaxy=galaxy, source="b.csv", source_before="a.csv", changes={"ra_deg": [1, 2]})
    GalaxyShape.objects.create(galaxy=galaxy, stem=galaxy.images.get().stem, band="r", rule="r", axial_ratio=0.5)
    return Proposal.objects.create(
        set_name=set_name, galaxy=galaxy, decision="accepted", inclination_deg=62, error_deg=3.8, decided_by=person
    )


def make_network(words: str, **report: Any) -> ModelVersion:
    """A training that has ended, the network that it made, and that it answers."""
    why = "Better than a constant guess."
    gate = {"passed": True, "why": why}
    history = [
        {"step": step, "loss": 3 - step / 50, "rms_deg": 6 - step / 25, "accuracy": 0.5 + step / 250}
        for step in (20, 40, 60, 80)
    ]
    run = TrainingRun.objects.create(
        job=make_job(kind=f"train_{words}", state="done", message="measuring it"),
        labelset_name=f"labels of {words}",
        labelset_digest="d" * 64,
        network="ours",
        config={"minutes": 30, "seed": 1},
        history=history,
        best={"step": 80, "words": "RMS 2.80°, verdict 82.0%"},
        gate=gate,
    )
    views = {
        "all": {"galaxies": 400, "inclination": {"rms_deg": 2.8, "by_bin": [2.0] * 9}, "verdict": {"accuracy": 0.9}}
    }
    version = ModelVersion.objects.create(
        sha256=f"{words:0<64}",
        network="ours",
        run=run,
        byte_count=3_000_000,
        card={"network": "ours", "labelset": {"name": words}},
        report={
            "views": views,
            "outliers": [{"pgc": 7, "truth_deg": 50.0, "answer_deg": 62.0, "view": "all"}],
            **report,
        },
    )
    TrainingRun.objects.filter(pk=run.pk).update(version=version)
    Promotion.objects.create(role="ours", version=version, kind="gate", why=why, gate=gate)
    return version


def make_network_answers(campaign: Campaign) -> None:
    """What a network said of the campaign's targets, and how it ordered them."""
    for target in campaign.targets.all():
        NetworkAnswer.objects.create(target=target, model="m" * 64, inclination_deg=60, sigma_deg=2, rejection=0.1)
    NetworkOrder.objects.create(
        campaign=campaign, model="m" * 64, rule_version="order-1", answers=5, unanswered=0, compared=0, bias_deg=0,
        error_scale=1, verdicts=0, agreement=0,
    )  # fmt: skip


def make_trial(galaxy: Galaxy, person: User) -> RealismTrial:
    """A picture that somebody called real."""
    return RealismTrial.objects.create(
        person=person, image=galaxy.images.get(), truth="real", said="real", is_counted=True, answered_at=timezone.now()
    )


def make_practice(person: User) -> PracticeRound:
    """A kept round of practice in which one galaxy was judged and one rejected."""
    judgements = [
        {"galaxy": 1, "verdict": "A", "inclination_deg": 61.5, "true_deg": 60.0, "error_deg": 1.5},
        {"galaxy": 2, "verdict": "J", "inclination_deg": None, "true_deg": 70.0, "error_deg": None},
    ]
    return PracticeRound.objects.create(trial=uuid.uuid4(), volunteer=person, judgements=judgements, mean_error_deg=1.5)


def make_certificate(person: User, day: date = date(2026, 1, 1)) -> Certificate:
    """A certificate of that day."""
    return Certificate.objects.create(
        number=100_000_000 + Certificate.objects.count(),
        code="abcdefghjkmn",
        volunteer=person,
        day=day,
        votes=40,
        galaxies=20,
        offset_deg=-1.25,
        offset_error_deg=0.4,
        scatter_deg=3.1,
        scatter_error_deg=0.5,
    )


def make_text_picture(author: User) -> TextPicture:
    """A picture that staff uploaded for a text; its file is not there."""
    return TextPicture.objects.create(
        stem=f"tp/{TextPicture.objects.count():026d}", side_px=256, description="A bar across the disk", author=author
    )
