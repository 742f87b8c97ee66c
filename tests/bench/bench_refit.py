"""A refit beside voting: a campaign of judged galaxies is fitted anew while people vote in it.

``python -m tests.bench.bench_refit``: real granian, workers, beat, PostgreSQL and Valkey in a throw-away GIZ_HOME.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from pathlib import Path

from tests.bench.bench_labelling import machine
from tests.bench.labelling.load import Figures, Prepared, run_clients

TARGET_RATIO = 1.5
VOLUNTEERS, VOTES_EACH = 500, 3

_VOTES = """
INSERT INTO labeling_vote (key, body_hash, target_id, volunteer_id, standing, verdict, inclination_deg,
                           inclination_rounded_deg, trace, rule_version, reasons, comment, flags, is_imported,
                           import_ref)
SELECT gen_random_uuid(), '', target.id, (%(people)s::bigint[])[1 + (target.id * 7 + number * 13) %% %(volunteers)s],
       'counted', CASE WHEN drawn.degrees IS NULL THEN 'J' ELSE 'A' END, drawn.degrees, round(drawn.degrees),
       '{}', 'bench', '{}', '', '{}', false, ''
  FROM (SELECT id, 48 + (id * 31) %% 40 AS truth FROM labeling_target
         WHERE campaign_id = %(campaign)s AND order_key > %(above)s) target
 CROSS JOIN generate_series(1, %(each)s) AS number
 CROSS JOIN LATERAL (SELECT CASE WHEN target.id %% 6 > 0
                            THEN least(90, greatest(45, target.truth + 4 * random() - 2)) END) AS drawn(degrees)
"""
_JUDGED = """
UPDATE labeling_target SET vote_count = %(each)s, state = 'retired', retired_at = now()
 WHERE campaign_id = %(campaign)s AND order_key > %(above)s
"""


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_refit", description=__doc__)
    parser.add_argument("--judged", type=int, default=100_000, help="galaxies with three votes each (100000)")
    parser.add_argument("--open", type=int, default=30_000, help="galaxies that people vote on (30000)")
    parser.add_argument("--clients", type=int, default=2, help="people at once (2)")
    parser.add_argument("--seconds", type=float, default=30.0, help="of measuring without a refit (30)")
    parser.add_argument("--most", type=float, default=900.0, help="give up waiting for the refit after (900 s)")
    return parser.parse_args()


def fill(campaign_name: str, judged: int, total: int) -> None:
    from django.db import connection

    from giz.accounts.models import User
    from labeling.models import Campaign

    campaign = Campaign.objects.get(name=campaign_name)
    people = [User(email=None, import_source="bench", import_name=str(number)) for number in range(VOLUNTEERS)]
    User.objects.bulk_create(people)
    values = {
        "campaign": campaign.pk,
        "each": VOTES_EACH,
        "people": [person.pk for person in people],
        "volunteers": VOLUNTEERS,
        "above": 1 - judged / total,
    }
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_VOTES, values)
        cursor.execute(_JUDGED, values)
        cursor.execute("VACUUM ANALYZE")


def measure(port: int, prepared: Prepared, seconds: float, name: str) -> Figures:
    figures = run_clients(port, prepared, seconds=seconds)
    failed = f", {figures.failed} FAILED: {figures.first_failure}" if figures.failed else ", none failed"
    print(
        f"{name:>16}  {figures.cycles_per_s:6.1f} cycles/s  vote p50 {figures.quantile_ms('vote', 0.5):6.1f} ms, "
        f"p95 {figures.quantile_ms('vote', 0.95):6.1f}, p99 {figures.quantile_ms('vote', 0.99):6.1f}; "
        f"next p95 {figures.quantile_ms('next', 0.95):6.1f}{failed}",
        flush=True,
    )
    return figures


def main() -> None:
    options = parse()
    print(f"Machine: {machine()}")
    home = Path(tempfile.mkdtemp(prefix="giz-r-"))
    try:
        # Imported here: it reads GIZ_HOME and sets Django up.
        from tests.bench.labelling.site import bench_site

        with bench_site(home, None, None) as site:
            total = options.judged + options.open
            prepared = site.prepare(targets=total, clients=options.clients, abandoned=0)
            fill(prepared.campaign, options.judged, total)
            alone = measure(site.port, prepared, options.seconds, "without a refit")
            _beside(site.port, prepared, alone, options)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _beside(port: int, prepared: Prepared, alone: Figures, options: argparse.Namespace) -> None:
    from giz.core.tasks import wake_job
    from labeling.jobs import refit_job
    from labeling.models import Campaign

    job = refit_job(campaign=Campaign.objects.get(name=prepared.campaign))
    wake_job.delay(str(job.id))
    began = time.monotonic()
    all_of_it = Figures(seconds=0.0)
    while job.state in ("queued", "running") and time.monotonic() - began < options.most:
        figures = measure(port, prepared, min(options.seconds, 20.0), "beside a refit")
        all_of_it.seconds += figures.seconds
        all_of_it.failed += figures.failed
        for name, times in figures.times.items():
            all_of_it.times[name] += times
        job.refresh_from_db()
        print(f"{'':16}  the job: {job.state}, {job.progress_done:,} of {job.progress_total or 0:,}", flush=True)
    ratio = all_of_it.quantile_ms("vote", 0.95) / alone.quantile_ms("vote", 0.95)
    print(
        f"Refit of {options.judged:,} judged galaxies: {job.state} after {time.monotonic() - began:.0f} s, "
        f"{job.result or ''}. Votes: p95 {ratio:.2f} times that without (to reach: {TARGET_RATIO}), "
        f"{all_of_it.failed} failed (to reach: 0)."
    )


if __name__ == "__main__":
    main()
