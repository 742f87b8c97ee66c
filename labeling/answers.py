"""Answers of the labelling API: JSON and schema come from these dataclasses (`giz.core.answers`)."""

import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, cast

from giz.catalog.storage import IMAGE_PATH
from giz.texts.selectors import common_guide
from labeling.aggregation.my_eye import MIN_GALAXIES, Pair, eye_of
from labeling.leased_task import LeasedTask, opaque_label
from labeling.models import Vote
from labeling.outcomes import OutcomeAnswer
from labeling.practice import PICTURE_PATH, SIZE_PX, practice_galaxies
from labeling.selectors import vote_counts
from labeling.serializers import PreferencesSerializer
from labeling.services.practice import NO_GALAXY, ROUND_S, Judged, Round
from standards.selectors import ShownStandards, set_standards

EYE_POINTS = 500


@dataclass(frozen=True, slots=True)
class TaskTargetAnswer:
    label: str
    images: Annotated[dict[str, str], "band → stem"]
    sizes_px: list[int]
    image_path: Annotated[str, "address with {stem} and {size}"]


@dataclass(frozen=True, slots=True)
class TaskAnswer:
    """A leased task for the page, without its seed and its galaxy."""

    id: uuid.UUID
    campaign: str
    standard_set: int
    due_at: datetime
    due_in_s: Annotated[int, "seconds until due_at, whatever the browser's clock says"]
    target: TaskTargetAnswer
    sources: Annotated[dict[str, int], "grid bin → bin that fills it"]
    orders: Annotated[dict[str, list[int]], "source bin → order of its standards"]
    guide: Annotated[int | None, "version of the field guide, to be asked for by this number"]

    @classmethod
    def of(cls, task: LeasedTask) -> "TaskAnswer":
        return cls.among(
            set_standards(task.standard_set_id).for_target(task.galaxy_id),
            task.seed,
            id=task.id,
            campaign=task.campaign,
            standard_set=task.standard_set_id,
            due_at=task.due_at,
            due_in_s=task.due_in_s,
            target=TaskTargetAnswer(task.label, task.images, task.sizes_px, IMAGE_PATH),
            guide=task.guide_id,
        )

    @classmethod
    def among(cls, shown: ShownStandards, seed: int, **task: Any) -> "TaskAnswer":
        """Return a task among these standards, in the order of its seed."""
        orders = shown.orders(seed)
        return cls(
            **task,
            sources={str(nominal): source for nominal, source in shown.sources.items()},
            orders={str(bin_deg): orders[bin_deg] for bin_deg in orders},
        )


@dataclass(frozen=True, slots=True)
class RoundAnswer:
    """A round of practice; nothing in it tells an inclination."""

    token: Annotated[str, "to be sent with the next judgement"]
    day: Annotated[str, "date (UTC) of a daily five, else empty"]
    galaxies: list[TaskAnswer]

    @classmethod
    def of(cls, begun: Round) -> "RoundAnswer":
        shown = set_standards(begun.standard_set_id).for_target(NO_GALAXY)
        galaxies, guide = practice_galaxies(), common_guide()
        tasks = [
            TaskAnswer.among(
                shown,
                begun.seed_of(place),
                id=uuid.uuid5(uuid.UUID(begun.id), str(place)),
                campaign="",
                standard_set=begun.standard_set_id,
                due_at=begun.ends_at,
                due_in_s=ROUND_S,
                target=TaskTargetAnswer(f"Galaxy {place + 1}", galaxies[number].images, [SIZE_PX], PICTURE_PATH),
                guide=guide,
            )
            for place, number in enumerate(begun.galaxies)
        ]
        return cls(begun.token, begun.day, tasks)


@dataclass(frozen=True, slots=True)
class JudgedAnswer:
    """Your judgement of a practice galaxy beside the truth."""

    token: Annotated[str, "to be sent with the next judgement"]
    verdict: Literal["A", "F", "J"]
    inclination_deg: float | None
    true_deg: float
    error_deg: Annotated[float | None, "yours less the truth; face-on counts as 45, a rejection as nothing"]

    @classmethod
    def of(cls, after: Round, judged: Judged) -> "JudgedAnswer":
        return cls(after.token, cast(Any, judged.verdict), judged.inclination_deg, judged.true_deg, judged.error_deg)


@dataclass(frozen=True, slots=True)
class DueAnswer:
    due_at: datetime
    due_in_s: int


@dataclass(frozen=True, slots=True)
class SkippedAnswer:
    id: uuid.UUID
    state: str


@dataclass(frozen=True, slots=True)
class TasksReleasedAnswer:
    released: int


@dataclass(frozen=True, slots=True)
class UndoAnswer:
    task: TaskAnswer


@dataclass(frozen=True, slots=True)
class CountsAnswer:
    votes: int
    rejected: int


@dataclass(frozen=True, slots=True)
class MeAnswer:
    volunteer: str | None
    role: Literal["volunteer", "supervisor", "staff"] | None
    counts: CountsAnswer
    preferences: Annotated[dict[str, Any], PreferencesSerializer]

    @classmethod
    def of(cls, user: Any) -> "MeAnswer":
        if not user.is_authenticated:
            return cls(None, None, CountsAnswer(0, 0), {})
        return cls(user.public_name, user.role, CountsAnswer(**vote_counts(user.pk)), user.preferences)


@dataclass(frozen=True, slots=True)
class OwnVoteAnswer:
    key: uuid.UUID
    campaign: str
    label: str
    thumbnail: str | None
    standing: Literal["counted", "repeat", "superseded", "surplus"]
    verdict: Literal["A", "F", "J"]
    inclination_deg: float | None
    reasons: list[str]
    comment: str
    created_at: datetime
    can_undo: bool
    outcome: Annotated[OutcomeAnswer | None, "once the galaxy is settled: what all volunteers found together"]
    is_first: Annotated[bool, "nobody had judged this galaxy before, in any campaign"]

    @classmethod
    def of(cls, vote: Vote, *, thumbnail: str | None, outcome: OutcomeAnswer | None, is_first: bool) -> "OwnVoteAnswer":
        """Return a vote of `labeling.selectors.votes_of`; a galaxy that was leased again keeps its opaque label."""
        task = vote.task if vote.task is not None and vote.task.state != "voted" else None
        return cls(
            key=vote.key,
            campaign=vote.target.campaign.name,
            label=opaque_label(task.id) if task else str(vote.target.galaxy),
            thumbnail=thumbnail,
            standing=cast(Any, vote.standing),
            verdict=cast(Any, vote.verdict),
            inclination_deg=vote.inclination_deg,
            reasons=vote.reasons,
            comment=vote.comment,
            created_at=vote.created_at,
            can_undo=vote.can_undo,  # type: ignore[attr-defined]  # annotated by votes_of
            # A vote that can still be undone could be given again by the outcome.
            outcome=None if vote.standing == Vote.Standing.SUPERSEDED or vote.can_undo else outcome,  # type: ignore[attr-defined]
            is_first=is_first,
        )


@dataclass(frozen=True, slots=True)
class OwnVotesAnswer:
    count: int
    next: str | None
    previous: str | None
    results: list[OwnVoteAnswer]


@dataclass(frozen=True, slots=True)
class NewlySettledAnswer:
    """Somebody's galaxies that were settled since they last looked."""

    as_of: Annotated[datetime, "to be stored as the preference settled_seen once they have been shown"]
    count: int
    results: Annotated[list[OwnVoteAnswer], "the latest of them"]


@dataclass(frozen=True, slots=True)
class EyeFiguresAnswer:
    galaxies: int
    offset_deg: Annotated[float, "mean difference from the others; positive means too edge-on"]
    offset_error_deg: float
    scatter_deg: Annotated[float, "standard deviation of the differences; the others' scatter is in it"]
    scatter_error_deg: float


@dataclass(frozen=True, slots=True)
class EyeLineAnswer:
    offset_at_70_deg: float
    slope: Annotated[float, "change of the difference for each degree"]


@dataclass(frozen=True, slots=True)
class MyEyeAnswer:
    """How somebody sees galaxies compared with the median of the others, on settled galaxies."""

    galaxies: Annotated[int, "settled galaxies that can be compared"]
    needed: Annotated[int, "how many there must be before there are figures"]
    figures: EyeFiguresAnswer | None
    left_out: Annotated[int, "galaxies with a difference beyond four scatters"]
    line: EyeLineAnswer | None
    periods: Annotated[list[EyeFiguresAnswer], "the same figures for equal numbers of galaxies, in order of time"]
    points: Annotated[list[list[float]], "the latest galaxies: inclination by the others and by you, in degrees"]

    @classmethod
    def of(cls, pairs: list[Pair]) -> "MyEyeAnswer":
        eye = eye_of(pairs)
        return cls(
            galaxies=len(pairs),
            needed=MIN_GALAXIES,
            figures=EyeFiguresAnswer(**asdict(eye.figures)) if eye else None,
            left_out=eye.left_out if eye else 0,
            line=EyeLineAnswer(**asdict(eye.line)) if eye and eye.line else None,
            periods=[EyeFiguresAnswer(**asdict(period)) for period in eye.periods] if eye else [],
            points=[[others_deg, own_deg] for others_deg, own_deg in pairs[-EYE_POINTS:]],
        )


@dataclass(frozen=True, slots=True)
class CampaignNameAnswer:
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class MyCampaignAnswer:
    campaign: CampaignNameAnswer | None


@dataclass(frozen=True, slots=True)
class StatsAnswer:
    volunteers: int
    galaxies: int
    votes: int
