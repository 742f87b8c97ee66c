"""manage.py aggregate --campaign NAME"""

from argparse import ArgumentParser
from typing import Any

from giz.core.command import GizCommand, run_job_with_bar
from labeling.aggregation.estimators import ESTIMATORS
from labeling.jobs import aggregate_job
from labeling.selectors import verdict_summary
from labeling.services.campaigns import campaign_named


class Command(GizCommand):
    help = (
        "Recompute the consensus of every judged galaxy of a campaign, by the rules of this version of GIZ. A "
        "running site updates the consensus by itself; this is for imported votes and after a change of the rules."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--campaign", required=True, metavar="NAME", help="the campaign")
        parser.add_argument(
            "--estimator",
            metavar="NAME",
            help=f"change the campaign's estimator: {', '.join(ESTIMATORS)} (default: the campaign's own)",
        )

    def handle(self, *, campaign: str, estimator: str | None, **_options: Any) -> None:
        chosen = campaign_named(campaign)
        job = aggregate_job(campaign=chosen, estimator=estimator)
        result = run_job_with_bar(job, title=f"Consensus of {campaign}").result
        counts = verdict_summary(campaign_id=chosen.pk)
        # Not the number that this run computed: the worker of a running site may have computed some of them.
        judged = sum(counts[name] for name in ("accepted", "face_on", "rejected", "split"))
        self.stdout.write(
            f"Galaxies judged: {judged}, aggregated by the {result['estimator']}. Verdicts: {counts['accepted']} "
            f"accepted, {counts['face_on']} face-on, {counts['rejected']} rejected, {counts['split']} split. "
            f"Judged by three people or more: {counts['published']}; retired: {counts['retired']}."
        )
        if not judged:
            self.stdout.write("There are no votes in this campaign yet.")
