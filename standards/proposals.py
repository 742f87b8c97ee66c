"""What a person decides about measured galaxies as standards, and the version that takes in what was accepted."""

from typing import Any

from django.db import transaction

from giz.catalog.models import Galaxy, GalaxyShape
from giz.core import audit
from giz.core.errors import Refused
from standards.formats import StandardEntry
from standards.models import Proposal, Standard, StandardSet
from standards.selectors import accepted_proposals, candidate_for, newest_version
from standards.services import standard_set_publish


def proposal_decide(*, set_name: str, galaxy: Galaxy, decision: str, actor: Any) -> Proposal:
    """Keep what a person decided about a measured galaxy as a standard of a set; the last word before a version counts.

    Raises
    ------
    Refused
        ``no_shape`` if the galaxy is not measured well enough, ``in_set`` if it stands in the set already.
    """
    shape = GalaxyShape.objects.filter(galaxy=galaxy).select_related("galaxy").first()
    candidate = candidate_for(shape) if shape else None
    if candidate is None:
        raise Refused("no_shape", f"{galaxy} has no measured shape that is good enough for a standard.", status=409)
    newest = newest_version(set_name)
    if newest and newest.standards.filter(galaxy=galaxy).exists():
        raise Refused("in_set", f"{galaxy} is a standard of {newest} already.", status=409)
    values = {
        "decision": Proposal.Decision(decision),
        "inclination_deg": round(candidate.inclination_deg, 2),
        "error_deg": round(candidate.error_deg, 2),
        # Pictures are turned clockwise by this, the measured angle counts clockwise.
        "rotation_deg": round(-candidate.measured.angle_deg, 1),
        "decided_by": actor,
    }
    made, _ = Proposal.objects.update_or_create(set_name=set_name, galaxy=galaxy, defaults=values)
    audit.record(f"standard_{decision}", actor=actor, subject=f"{set_name}: PGC {galaxy.pgc}")
    return made


def proposal_withdraw(*, set_name: str, galaxy: Galaxy, actor: Any) -> None:
    """Take a decision back that is in no published version; the galaxy is proposed again."""
    gone, _ = Proposal.objects.filter(set_name=set_name, galaxy=galaxy, published_in__isnull=True).delete()
    if not gone:
        raise Refused("no_decision", f"There is no decision about {galaxy} that could be taken back.", status=409)
    audit.record("standard_decision_withdrawn", actor=actor, subject=f"{set_name}: PGC {galaxy.pgc}")


@transaction.atomic
def proposals_publish(*, set_name: str, actor: Any) -> StandardSet:
    """Publish the set's next version: the standards of its newest one and those accepted since.

    Raises
    ------
    Refused
        ``nothing_accepted`` if nothing waits.
    """
    waiting = list(accepted_proposals(set_name).select_for_update(of=("self",)).select_related("galaxy"))
    if not waiting:
        raise Refused("nothing_accepted", f"No new standard was accepted for {set_name} since its newest version.")
    newest = newest_version(set_name)
    rows = newest.standards.order_by("id") if newest else Standard.objects.none()
    entries = [
        StandardEntry(*row) for row in rows.values_list("galaxy__pgc", "inclination_deg", "rotation_deg", "zoom")
    ]
    known = {entry.pgc for entry in entries}
    entries += [
        StandardEntry(one.galaxy.pgc, one.inclination_deg, one.rotation_deg)
        for one in waiting
        if one.galaxy.pgc not in known
    ]
    made = standard_set_publish(name=set_name, entries=entries, source="accepted from measurement").standard_set
    Proposal.objects.filter(pk__in=[one.pk for one in waiting]).update(published_in=made)
    audit.record("standards_published", actor=actor, subject=str(made), accepted=len(waiting))
    return made
