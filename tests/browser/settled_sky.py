"""Run inside a demo site, as its owner: somebody and two others judge every galaxy, so that all are settled."""

import random
import uuid

from django.db.models import F

from giz.accounts.models import User
from giz.catalog.models import SyntheticTruth
from giz.core.errors import Refused
from labeling.models import Vote
from labeling.rules import UNDO_TIME
from labeling.services.consensus import consensus_refresh
from labeling.services.leases import task_lease
from labeling.services.votes import vote_record
from tests.history import history_unlocked
from tests.labeling.sky import age_task, make_volunteer, trace_to

OFFSET_DEG, SCATTER_DEG = 3.0, 2.5


def make(email: str) -> None:
    """The person of this address sees galaxies too edge-on, the others as they are."""
    rng = random.Random(1)
    people = [(User.objects.named(email), OFFSET_DEG)]
    people += [(make_volunteer(uuid.uuid4().int % 10**9), 0.0) for _ in range(2)]
    truths = dict(SyntheticTruth.objects.values_list("galaxy_id", "inclination_deg"))
    for volunteer, offset_deg in people:
        while True:
            try:
                task, _is_new = task_lease(volunteer=volunteer, campaign="demo")
            except Refused:
                break
            age_task(task.id, 60)
            seen_deg = (truths.get(task.galaxy_id) or 45.0) + offset_deg + rng.gauss(0, SCATTER_DEG)
            vote_record(
                volunteer=volunteer,
                key=uuid.uuid4(),
                task_id=task.id,
                trace=trace_to(min(89.5, max(46.5, int(seen_deg) + 0.5))),
                verdict="accepted",
            )
    consensus_refresh()
    with history_unlocked():  # as the owner of the tables
        Vote.objects.update(created_at=F("created_at") - UNDO_TIME)
