"""Votes: record each exactly once, and undo it within five minutes.

The client chooses a key that identifies its vote for good: sending the same vote again, for example after a lost
answer, returns the same answer. The vote's row, the task's state and the target's counters change in one statement,
under the locks of task and target (always in this order).
"""

import hashlib
import json
import math
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from giz.core.database import prepared_cursor
from giz.core.errors import Refused
from giz.core.vocabulary import VERDICT_NAMES
from labeling.comparison import COMPARISON_RULE, TraceError, replay, round_at_random
from labeling.leased_task import LeasedTask, read_leased_task
from labeling.models import Reason, Task, Verdict, Vote
from labeling.rules import TOO_FAST_S, UNDO_TIME
from standards.selectors import ShownStandards, set_standards

SAID = {name: Verdict(code) for code, name in VERDICT_NAMES.items()}

_LOCK = """
    SELECT task.id, task.state, task.seed, task.standard_set_id, task.checked_out_at,
           EXTRACT(EPOCH FROM now() - task.checked_out_at), task.due_at < now(),
           target.id, target.state, target.quota > target.vote_count + target.lease_count, target.galaxy_id,
           campaign.state, task.guide_id
      FROM labeling_task task
      JOIN labeling_target target ON target.id = task.target_id
      JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
     WHERE task.id = %s AND task.volunteer_id = %s
       FOR NO KEY UPDATE OF task, target
"""

_KNOWN = """
    SELECT key, task_id, verdict, inclination_deg, created_at, standing, flags, body_hash, volunteer_id
      FROM labeling_vote WHERE key = %s
"""

# If the account was erased while the vote was on its way, its comment is not stored.
_RECORD = """
WITH vote AS (
    INSERT INTO labeling_vote (key, body_hash, target_id, volunteer_id, task_id, standard_set_id, standing, verdict,
        inclination_deg, inclination_rounded_deg, rounding_seed, trace, rule_version, reasons, comment, flags,
        is_imported, import_ref, checked_out_at, shown_ms, guide_id)
    VALUES (%(key)s, %(body_hash)s, %(target)s, %(volunteer)s, %(task)s, %(standard_set)s, %(standing)s, %(verdict)s,
        %(inclination_deg)s, %(rounded_deg)s, %(rounding_seed)s, %(trace)s, %(rule)s, %(reasons)s,
        COALESCE((SELECT %(comment)s FROM accounts_user WHERE id = %(volunteer)s AND is_active), ''), %(flags)s,
        false, '', %(checked_out_at)s, %(shown_ms)s, %(guide)s)
    ON CONFLICT DO NOTHING
    RETURNING key, task_id, verdict, inclination_deg, created_at, standing, flags
), closed AS (
    UPDATE labeling_task SET state = 'voted', checked_in_at = now() FROM vote WHERE labeling_task.id = vote.task_id
), counted AS (
    UPDATE labeling_target target
       SET vote_count = target.vote_count + 1, lease_count = target.lease_count - %(leases)s,
           stale_since = CASE WHEN target.purpose = 'label' THEN COALESCE(target.stale_since, now())
                              ELSE target.stale_since END
      FROM vote WHERE target.id = %(target)s AND vote.standing = 'counted'
)
SELECT * FROM vote
"""


@dataclass(frozen=True, slots=True)
class VoteAnswer:
    """A stored vote as the API answers it (`giz.core.answers`); ``replayed`` if its key was known already."""

    key: uuid.UUID
    task: uuid.UUID
    verdict: Literal["A", "F", "J"]
    inclination_deg: float | None
    created_at: datetime
    undo_until: datetime
    replayed: bool


@dataclass(frozen=True, slots=True)
class _Held:
    """A locked task with its target and campaign."""

    task_id: uuid.UUID
    task_state: str
    seed: int
    standard_set_id: int
    checked_out_at: datetime
    held_s: float
    is_late: bool
    target_id: int
    target_state: str
    has_room: bool
    galaxy_id: int
    campaign_state: str
    guide_id: int | None


@dataclass(frozen=True, slots=True)
class _Judgement:
    verdict: Verdict
    inclination_deg: float | None
    rounded_deg: int | None
    rounding_seed: int | None


def vote_record(
    *,
    volunteer: Any,
    key: uuid.UUID,
    task_id: uuid.UUID,
    trace: Mapping[str, Any] | None,
    verdict: str,
    reasons: Sequence[str] = (),
    comment: str = "",
    shown_ms: int | None = None,
) -> VoteAnswer:
    """Store a vote exactly once.

    A late vote is counted if its galaxy has a free slot; otherwise it is stored as surplus and refused. ``shown_ms`` is
    how long the page says that the galaxy was on screen. It is limited to the time since the lease, which is also the
    value if it is missing.

    Raises Refused: not_found, key_reused, already_voted, lease_lost, retired, campaign_closed, bad_trace,
    trace_mismatch, reason_required.
    """
    ordered = [reason for reason in Reason.values if reason in set(reasons)]
    body_hash = _body_hash(task_id, trace, verdict, ordered, comment)
    with transaction.atomic():
        held = _lock(task_id, volunteer.pk)
        known = _known(key, volunteer.pk, body_hash)
        if known is None:
            if held.task_state == Task.State.VOTED:
                raise Refused("already_voted", "You have judged this galaxy already.", status=409)
            values = _values(held, volunteer.pk, key, body_hash, _read(held, trace, verdict, ordered))
            values |= {"trace": Jsonb(trace or {}), "reasons": ordered, "comment": comment}
            values |= _time_on_screen(held, shown_ms)
            row = _insert(values)
        else:
            row = known
    return _answer(row, is_replayed=known is not None)


def _body_hash(
    task_id: uuid.UUID, trace: Mapping[str, Any] | None, verdict: str, reasons: list[str], comment: str
) -> str:
    body = json.dumps([str(task_id), trace, verdict, reasons, comment], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(body.encode()).hexdigest()


def _lock(task_id: uuid.UUID, volunteer_id: int) -> _Held:
    with prepared_cursor() as cursor:
        cursor.execute(_LOCK, [task_id, volunteer_id])
        row = cursor.fetchone()
    if row is None:
        raise Refused("not_found", "Not found.", status=404)
    return _Held(*row)


def _known(key: uuid.UUID, volunteer_id: int, body_hash: str) -> tuple[Any, ...] | None:
    """Return the vote that already has this key; under the lock, so that an identical request has committed."""
    with prepared_cursor() as cursor:
        cursor.execute(_KNOWN, [key])
        row = cursor.fetchone()
    if row is None:
        return None
    *answer, known_hash, owner_id = row
    if owner_id != volunteer_id or known_hash != body_hash:
        raise _key_reused()
    return tuple(answer)


def _key_reused() -> Refused:
    return Refused("key_reused", "This key was already used for another vote. Use a new key for each vote.", status=422)


def judgement_read(
    shown: ShownStandards, seed: int, trace: Mapping[str, Any] | None, said: str, reasons: Sequence[str]
) -> tuple[Verdict, float | None]:
    """Replay the trace and return verdict and inclination, which must agree with the client's verdict.

    Raises Refused: bad_trace, trace_mismatch, reason_required.
    """
    verdict = SAID[said]
    if verdict == Verdict.REJECTED and not reasons:
        raise Refused("reason_required", "A rejection needs at least one reason.", fields={"reasons": ["Choose one."]})
    if trace is None and verdict != Verdict.REJECTED:
        raise Refused("trace_mismatch", f"A vote of {said} needs the trace of its comparison.")
    inclination_deg = None
    if trace is not None:
        try:
            read = replay(trace, shown.sources, shown.orders(seed))
        except TraceError as error:
            raise Refused("bad_trace", f"{error.detail} ({error.code}).") from None
        if verdict != Verdict.REJECTED:
            if read.verdict != verdict.value:
                raise Refused("trace_mismatch", f"The trace does not end in {said}.")
            inclination_deg = read.inclination_deg
    if verdict == Verdict.REJECTED and Reason.FACE_ON in reasons:
        verdict = Verdict.FACE_ON
    return verdict, inclination_deg


def _read(held: _Held, trace: Mapping[str, Any] | None, said: str, reasons: Sequence[str]) -> _Judgement:
    shown = set_standards(held.standard_set_id).for_target(held.galaxy_id)
    verdict, inclination_deg = judgement_read(shown, held.seed, trace, said, reasons)
    if inclination_deg is None:
        return _Judgement(verdict, None, None, None)
    seed = secrets.randbits(62)
    return _Judgement(verdict, inclination_deg, round_at_random(inclination_deg, seed), seed)


def _time_on_screen(held: _Held, shown_ms: int | None) -> dict[str, Any]:
    """Return the time on screen and the flags ``too_fast`` and ``late``, if they apply."""
    held_ms = math.floor(1000 * held.held_s)
    shown_ms = None if shown_ms is None else min(shown_ms, held_ms)
    is_too_fast = (held_ms if shown_ms is None else shown_ms) < 1000 * TOO_FAST_S
    is_late = held.is_late or held.task_state != Task.State.LEASED
    flags = {"too_fast": is_too_fast, "late": is_late, _surplus_reason(held): is_late}
    return {"shown_ms": shown_ms, "flags": [flag for flag, applies in flags.items() if flag and applies]}


def _surplus_reason(held: _Held) -> str | None:
    """Return why a vote without a lease does not count; None if its galaxy still has a free slot."""
    if held.task_state == Task.State.LEASED:
        return None
    if held.target_state != "open":
        return "retired"
    if held.campaign_state == "closed":
        return "campaign_closed"
    return None if held.has_room else "lease_lost"


def _values(held: _Held, volunteer_id: int, key: uuid.UUID, body_hash: str, judgement: _Judgement) -> dict[str, Any]:
    standing = Vote.Standing.SURPLUS if _surplus_reason(held) else Vote.Standing.COUNTED
    return {
        "key": key,
        "body_hash": body_hash,
        "target": held.target_id,
        "volunteer": volunteer_id,
        "task": held.task_id,
        "standard_set": held.standard_set_id,
        "standing": standing.value,
        "verdict": judgement.verdict.value,
        "inclination_deg": judgement.inclination_deg,
        "rounded_deg": judgement.rounded_deg,
        "rounding_seed": judgement.rounding_seed,
        "rule": COMPARISON_RULE,
        "checked_out_at": held.checked_out_at,
        "guide": held.guide_id,
        "leases": int(held.task_state == Task.State.LEASED),
    }


def _insert(values: dict[str, Any]) -> tuple[Any, ...]:
    with prepared_cursor() as cursor:
        cursor.execute(_RECORD, values)
        row = cursor.fetchone()
        if row is not None:
            return tuple(row)
        cursor.execute("SELECT EXISTS (SELECT FROM labeling_vote WHERE key = %(key)s)", values)
        is_key_taken = cursor.fetchone()[0]
    if is_key_taken:
        raise _key_reused()
    raise Refused("already_voted", "You have judged this galaxy already.", status=409)


def _answer(row: tuple[Any, ...], *, is_replayed: bool) -> VoteAnswer:
    key, task_id, verdict, inclination_deg, created_at, standing, flags = row
    if standing == Vote.Standing.SURPLUS:
        if "retired" in flags:
            raise Refused(
                "retired",
                "Others have finished this galaxy in the meantime. Your vote is kept, but not counted.",
                status=409,
            )
        if "campaign_closed" in flags:
            raise Refused(
                "campaign_closed",
                "The campaign was closed before your vote arrived. Your vote is kept, but not counted.",
                status=409,
            )
        raise Refused(
            "lease_lost",
            "Your time for this galaxy ran out and somebody else took your place. Your vote is kept, but not counted.",
            status=409,
        )
    return VoteAnswer(key, task_id, verdict, inclination_deg, created_at, created_at + UNDO_TIME, is_replayed)


def vote_undo(*, volunteer: Any, key: uuid.UUID) -> LeasedTask:
    """Supersede a counted vote within five minutes and lease its task again, with the same seed and the same draws.

    Undoing again, for example after a lost answer, returns the same task while it is still leased.
    """
    task_id = Vote.objects.filter(key=key, volunteer=volunteer).values_list("task_id", flat=True).first()
    if task_id is None:
        raise Refused("not_found", "Not found.", status=404)
    with transaction.atomic(), connection.cursor() as cursor:
        held = _lock(task_id, volunteer.pk)
        cursor.execute(
            "SELECT id, standing, now() < created_at + make_interval(secs => %s) FROM labeling_vote WHERE key = %s",
            [UNDO_TIME.total_seconds(), key],
        )
        vote_id, standing, is_recent = cursor.fetchone()
        is_undone = standing == Vote.Standing.SUPERSEDED and held.task_state == Task.State.LEASED
        if not is_undone:
            if standing != Vote.Standing.COUNTED or not is_recent:
                raise Refused("too_late_to_undo", "A vote can be undone only once, within five minutes.", status=409)
            _undo(vote_id, held)
    return read_leased_task(task_id)


def _undo(vote_id: int, held: _Held) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE labeling_vote SET standing = 'superseded', superseded_at = now() WHERE id = %s", [vote_id]
        )
        cursor.execute(
            """UPDATE labeling_task task
                  SET state = 'leased', checked_in_at = NULL,
                      due_at = now() + make_interval(mins => campaign.lease_minutes)
                 FROM labeling_target target JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
                WHERE task.id = %s AND target.id = task.target_id""",
            [held.task_id],
        )
        cursor.execute(
            """UPDATE labeling_target SET vote_count = vote_count - 1, lease_count = lease_count + 1,
                      stale_since = CASE WHEN purpose = 'label' THEN COALESCE(stale_since, now())
                                         ELSE stale_since END WHERE id = %s""",
            [held.target_id],
        )
