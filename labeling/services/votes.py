"""Votes: record one exactly once, and undo it for five minutes.

The key that the client makes names a vote for ever: sending it again, after a dropped answer say, gives the same
answer. The vote's row, the task's state and the target's counters change in one statement under the locks of task and
target (in this order, as everywhere).
"""

import hashlib
import json
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from psycopg.types.json import Jsonb

from giz.core.database import prepared_cursor
from giz.core.errors import Refused
from labeling.comparison import COMPARISON_RULE, TraceError, replay, round_at_random
from labeling.leased import LeasedTask, read_leased_task
from labeling.models import Reason, Task, Verdict, Vote
from labeling.pools import set_pools
from labeling.rules import TOO_FAST_S, UNDO_TIME

SAID = {"accepted": Verdict.ACCEPTED, "face_on": Verdict.FACE_ON, "rejected": Verdict.REJECTED}

_LOCK = f"""
    SELECT task.id, task.state, task.seed, task.standard_set_id, task.checked_out_at,
           now() - task.checked_out_at < interval '{TOO_FAST_S} s', task.due_at < now(),
           target.id, target.state, target.quota > target.vote_count + target.lease_count, target.galaxy_id,
           campaign.state
      FROM labeling_task task
      JOIN labeling_target target ON target.id = task.target_id
      JOIN labeling_campaign campaign ON campaign.id = target.campaign_id
     WHERE task.id = %s AND task.volunteer_id = %s
       FOR NO KEY UPDATE OF task, target
"""  # noqa: S608 - constants only

_KNOWN = """
    SELECT key, task_id, verdict, inclination_deg, created_at, standing, flags, body_hash, volunteer_id
      FROM labeling_vote WHERE key = %s
"""

_RECORD = """
WITH vote AS (
    INSERT INTO labeling_vote (key, body_hash, target_id, volunteer_id, task_id, standard_set_id, standing, verdict,
        inclination_deg, inclination_rounded_deg, rounding_seed, trace, rule_version, reasons, comment, flags,
        is_imported, import_ref, checked_out_at)
    VALUES (%(key)s, %(body_hash)s, %(target)s, %(volunteer)s, %(task)s, %(standard_set)s, %(standing)s, %(verdict)s,
        %(inclination_deg)s, %(rounded_deg)s, %(rounding_seed)s, %(trace)s, %(rule)s, %(reasons)s, %(comment)s,
        %(flags)s, false, '', %(checked_out_at)s)
    ON CONFLICT DO NOTHING
    RETURNING key, task_id, verdict, inclination_deg, created_at, standing, flags
), closed AS (
    UPDATE labeling_task SET state = 'voted', checked_in_at = now() FROM vote WHERE labeling_task.id = vote.task_id
), counted AS (
    UPDATE labeling_target target
       SET vote_count = target.vote_count + 1, lease_count = target.lease_count - %(leases)s,
           stale_since = COALESCE(target.stale_since, now())
      FROM vote WHERE target.id = %(target)s AND vote.standing = 'counted'
)
SELECT * FROM vote
"""


@dataclass(frozen=True, slots=True)
class VoteAnswer:
    """A stored vote as it is answered, the first time and each time that its key comes again."""

    key: uuid.UUID
    task_id: uuid.UUID
    verdict: str
    inclination_deg: float | None
    created_at: datetime
    is_replayed: bool

    @property
    def undo_until(self) -> datetime:
        return self.created_at + UNDO_TIME


@dataclass(frozen=True, slots=True)
class _Held:
    """A locked task and target, as the vote finds them."""

    task_id: uuid.UUID
    task_state: str
    seed: int
    standard_set_id: int
    checked_out_at: datetime
    is_too_fast: bool
    is_late: bool
    target_id: int
    target_state: str
    has_room: bool
    galaxy_id: int
    campaign_state: str


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
) -> VoteAnswer:
    """Store a vote once. A late one is kept: counted while its galaxy has a free slot, else as surplus (then refused).

    Raises Refused: not_found, key_reused, already_voted, lease_lost, retired, bad_trace, trace_mismatch,
    reason_required.
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
    """The vote that this key names already, looked for under the lock, so that a twin request has committed."""
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
    return Refused("key_reused", "This key names another vote already. Make a new key for each vote.", status=422)


def _read(held: _Held, trace: Mapping[str, Any] | None, said: str, reasons: Sequence[str]) -> _Judgement:
    """Replay the trace and say what the vote is worth; the client's word for it must agree."""
    verdict = SAID[said]
    if verdict == Verdict.REJECTED and not reasons:
        raise Refused("reason_required", "A rejection needs at least one reason.", fields={"reasons": ["Choose one."]})
    if trace is None and verdict != Verdict.REJECTED:
        raise Refused("trace_mismatch", f"A vote of {said} needs the trace of its comparison.")
    inclination_deg = None
    if trace is not None:
        pools = set_pools(held.standard_set_id).for_target(held.galaxy_id)
        try:
            read = replay(trace, pools.sources, pools.orders(held.seed))
        except TraceError as error:
            raise Refused("bad_trace", f"{error.detail} ({error.code}).") from None
        if verdict != Verdict.REJECTED:
            if read.verdict != verdict.value:
                raise Refused("trace_mismatch", f"The trace does not end in {said}.")
            inclination_deg = read.inclination_deg
    if verdict == Verdict.REJECTED and Reason.FACE_ON in reasons:
        verdict = Verdict.FACE_ON
    if inclination_deg is None:
        return _Judgement(verdict, None, None, None)
    seed = secrets.randbits(62)
    return _Judgement(verdict, inclination_deg, round_at_random(inclination_deg, seed), seed)


def _values(held: _Held, volunteer_id: int, key: uuid.UUID, body_hash: str, judgement: _Judgement) -> dict[str, Any]:
    has_lease = held.task_state == Task.State.LEASED
    flags = ["too_fast"] if held.is_too_fast else []
    standing = Vote.Standing.COUNTED
    if held.is_late or not has_lease:
        flags.append("late")
    if not has_lease and (held.target_state != "open" or not held.has_room or held.campaign_state == "closed"):
        standing = Vote.Standing.SURPLUS
        flags.append("retired" if held.target_state != "open" else "lease_lost")
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
        "flags": flags,
        "checked_out_at": held.checked_out_at,
        "leases": int(has_lease),
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
                "This galaxy was finished by others meanwhile. Your vote is kept, but not counted.",
                status=409,
            )
        raise Refused(
            "lease_lost",
            "Your time for this galaxy ran out and somebody else took it. Your vote is kept, but not counted.",
            status=409,
        )
    return VoteAnswer(key, task_id, verdict, inclination_deg, created_at, is_replayed)


def vote_undo(*, volunteer: Any, key: uuid.UUID) -> LeasedTask:
    """Supersede a counted vote within five minutes and give its lease again (same seed, so the same draws).

    Undoing again, after a dropped answer say, gives the same task while it is still held.
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
                raise Refused("too_late_to_undo", "A vote can be undone for five minutes, once.", status=409)
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
                      stale_since = COALESCE(stale_since, now()) WHERE id = %s""",
            [held.target_id],
        )
