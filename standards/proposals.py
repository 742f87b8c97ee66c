"""Decisions about measured galaxies as standards, and the publication of those that were accepted."""

from typing import Any

from django.db import transaction

from giz.catalog.formats.numbers import number_in_words
from giz.catalog.models import Galaxy, GalaxyShape
from giz.core import audit
from giz.core.errors import Refused
from standards.formats import StandardEntry
from standards.models import Proposal, Standard, StandardSet
from standards.selectors import (
    accepted_proposals,
    candidate_for,
    holds_synthetic,
    is_of_current_picture,
    newest_version,
    proposals_to_publish,
)
from standards.services import standard_set_publish

MAX_NAMED = 10


def proposal_decide(*, set_name: str, galaxy: Galaxy, decision: str, actor: Any) -> Proposal:
    """Store whether a measured galaxy is accepted as a standard of a set; the last decision before a version counts.

    Raises
    ------
    Refused
        ``no_shape`` if the galaxy is not measured well enough, ``in_set`` if the set already contains it,
        ``new_picture`` if its picture has changed since, ``synthetic`` if the set's standards are real.
    """
    shape = GalaxyShape.objects.filter(galaxy=galaxy).select_related("galaxy").first()
    candidate = candidate_for(shape) if shape else None
    if shape is None or candidate is None:
        raise Refused("no_shape", f"{galaxy} has no measured ellipse that is good enough for a standard.", status=409)
    newest = newest_version(set_name)
    if newest and newest.standards.filter(galaxy=galaxy).exists():
        raise Refused("in_set", f"{galaxy} is a standard of {newest} already.", status=409)
    if not is_of_current_picture(shape):
        detail = f"{galaxy} has a new picture. Measure it first, then decide."
        raise Refused("new_picture", detail, status=409)
    if galaxy.is_synthetic and not holds_synthetic(set_name):
        raise Refused("synthetic", f"{galaxy} is synthetic, the standards of {set_name} are real.", status=409)
    values = {
        "decision": Proposal.Decision(decision),
        "inclination_deg": round(candidate.inclination_deg, 2),
        "error_deg": round(candidate.error_deg, 2),
        # The picture is turned clockwise by this; the measured angle is clockwise, too.
        "rotation_deg": round(-candidate.measured.angle_deg, 1),
        "stem": shape.stem,
        "decided_by": actor,
    }
    made, _ = Proposal.objects.update_or_create(set_name=set_name, galaxy=galaxy, defaults=values)
    audit.record(f"standard_{decision}", actor=actor, subject=f"{set_name}: {number_in_words(galaxy.pgc)}")
    return made


def proposal_withdraw(*, set_name: str, galaxy: Galaxy, actor: Any) -> None:
    """Undo a decision that no published version contains; the galaxy is proposed again."""
    gone, _ = Proposal.objects.filter(set_name=set_name, galaxy=galaxy, published_in__isnull=True).delete()
    if not gone:
        raise Refused("no_decision", f"There is no decision about {galaxy} that could be undone.", status=409)
    audit.record("standard_decision_withdrawn", actor=actor, subject=f"{set_name}: {number_in_words(galaxy.pgc)}")


@transaction.atomic
def proposals_publish(*, set_name: str, actor: Any) -> StandardSet:
    """Publish the next version of a set: the standards of its newest version and those accepted since.

    Accepted galaxies whose picture has changed since are left for later; `proposals_left` names them.

    Raises
    ------
    Refused
        ``nothing_accepted`` if there is nothing to publish, ``new_picture`` if all of it must be accepted again.
    """
    waiting = list(accepted_proposals(set_name).select_for_update(of=("self",)).select_related("galaxy"))
    if not waiting:
        raise Refused("nothing_accepted", f"No new standard was accepted for {set_name} since its newest version.")
    ready_ids = set(proposals_to_publish(set_name).values_list("pk", flat=True))
    ready = [one for one in waiting if one.pk in ready_ids]
    if not ready:
        raise Refused("new_picture", proposals_left(set_name), status=409)
    newest = newest_version(set_name)
    rows = newest.standards.order_by("id") if newest else Standard.objects.none()
    entries = [
        StandardEntry(*row) for row in rows.values_list("galaxy__pgc", "inclination_deg", "rotation_deg", "zoom")
    ]
    known = {entry.pgc for entry in entries}
    entries += [
        StandardEntry(one.galaxy.pgc, one.inclination_deg, one.rotation_deg)
        for one in ready
        if one.galaxy.pgc not in known
    ]
    made = standard_set_publish(name=set_name, entries=entries, source="accepted from measurement").standard_set
    Proposal.objects.filter(pk__in=[one.pk for one in ready]).update(published_in=made)
    audit.record("standards_published", actor=actor, subject=str(made), accepted=len(ready))
    return made


def proposals_left(set_name: str) -> str:
    """Name the accepted galaxies that can't be published yet, and what they need; empty if there are none."""
    left = accepted_proposals(set_name).exclude(pk__in=proposals_to_publish(set_name).values("pk"))
    rows = list(left.values_list("galaxy__pgc", "galaxy__is_synthetic"))
    synthetic_fits = holds_synthetic(set_name)
    replaced = [pgc for pgc, is_synthetic in rows if synthetic_fits or not is_synthetic]
    synthetic = [pgc for pgc, is_synthetic in rows if is_synthetic and not synthetic_fits]
    sentences = []
    if replaced:
        sentences.append(
            f"Not published, because their pictures have been replaced since they were accepted: {_named(replaced)}. "
            "Measure the new "
            "picture, then accept again."
        )
    if synthetic:
        sentences.append(
            f"Not published, because synthetic galaxies can't be among real standards: {_named(synthetic)}."
        )
    return " ".join(sentences)


def _named(numbers: list[int]) -> str:
    more = f" and {len(numbers) - MAX_NAMED:,} more" if len(numbers) > MAX_NAMED else ""
    return ", ".join(number_in_words(pgc) for pgc in numbers[:MAX_NAMED]) + more
