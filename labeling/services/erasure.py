"""Erase a person's traces in labelling: open leases, practice, and comments on galaxies."""

from typing import Any

from django.db import connection
from django.dispatch import receiver

from giz.accounts.erasure import account_erasing
from giz.accounts.models import User
from labeling.aggregation.published import note_of
from labeling.models import Certificate, Consensus, PracticeRound, Reason, Task, Vote
from labeling.services.releases import leases_give_back

_BATCH = 500
_HOLD = "SELECT id FROM labeling_target WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE"


@receiver(account_erasing, dispatch_uid="labeling.erasure")
def person_forget(sender: Any, *, user: User, keeps_comments: bool, **_: Any) -> None:
    """Release the person's galaxies; delete their practice, and their comments from votes and consensuses.

    Locks are taken in the usual order: first all tasks without a vote, so that a vote on its way is either stored
    before or finds the account gone; then the targets, by id. Targets with a comment are written, so that a consensus
    that is being computed with it is not stored (`labeling.services.consensus`).
    """
    unjudged = Task.objects.filter(volunteer=user).exclude(state="voted").select_for_update(no_key=True)
    held = {task.pk: task.target_id for task in unjudged.order_by("pk") if task.state == "leased"}
    with_comment = Vote.objects.filter(volunteer=user).exclude(comment="")
    touched = [] if keeps_comments else sorted(set(with_comment.values_list("target_id", flat=True)))
    with connection.cursor() as cursor:
        cursor.execute(_HOLD, [sorted({*touched, *held.values()})])
        cursor.execute("UPDATE labeling_target SET stale_since = stale_since WHERE id = ANY(%s)", [touched])
    leases_give_back(list(held), user.pk)
    PracticeRound.objects.filter(volunteer=user).delete()
    Certificate.objects.filter(volunteer=user).delete()
    if keeps_comments:
        return
    with_comment.update(comment="")
    for start in range(0, len(touched), _BATCH):
        _write_notes_anew(touched[start : start + _BATCH])


def _write_notes_anew(target_ids: list[int]) -> None:
    """Rewrite the notes of all consensuses of these targets, including old ones, from the votes' present comments."""
    comments = dict(Vote.objects.filter(target_id__in=target_ids).exclude(comment="").values_list("id", "comment"))
    changed = []
    for consensus in Consensus.objects.filter(target_id__in=target_ids).exclude(note="").iterator(_BATCH):
        said = (comments.get(vote_id, "") for vote_id in consensus.vote_ids)
        note = note_of(consensus.reason_counts, said, Reason.values)
        if note != consensus.note:
            consensus.note = note
            changed.append(consensus)
    Consensus.objects.bulk_update(changed, ["note"], batch_size=_BATCH)
