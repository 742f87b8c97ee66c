"""Export of a large campaign's labels or votes from PostgreSQL, by the command. ``python -m tests.bench.bench_export``

Times, and how much more memory a large export takes than one of a few labels; each twice, for the bytes must be the
same. Then one export is killed while it writes. Galaxies, votes and consensuses are put into the tables by SQL.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.bench.bench_labelling import machine
from tests.bench.bench_labelset import resident_mb
from tests.bench.services import bench_campaign, bench_services

TARGET_S, TARGET_MB = 60.0, 100.0
FEW, VOLUNTEERS, VOTES_EACH = 1_000, 2_000, 3

_TASKS = """
INSERT INTO labeling_task (id, target_id, volunteer_id, standard_set_id, seed, state, due_at, checked_in_at)
SELECT gen_random_uuid(), target.id, (%(people)s::bigint[])[1 + (target.id * 7 + number * 13) %% %(volunteers)s],
       %(standard_set)s, (random() * 1e15)::bigint, 'voted', now(), now()
  FROM labeling_target target CROSS JOIN generate_series(1, %(each)s) AS number WHERE target.campaign_id = %(campaign)s
"""
# `traces` holds those that end at 45.5, 46.5 … degrees.
_VOTES = """
INSERT INTO labeling_vote (key, body_hash, target_id, volunteer_id, task_id, standard_set_id, standing, verdict,
                           inclination_deg, inclination_rounded_deg, trace, rule_version, reasons, comment, flags,
                           is_imported, import_ref, checked_out_at, shown_ms, created_at)
SELECT gen_random_uuid(), '', target_id, volunteer_id, task.id, standard_set_id, 'counted',
       CASE WHEN target_id %% 5 = 0 THEN 'J' ELSE 'A' END, CASE WHEN target_id %% 5 > 0 THEN 45.5 + place END,
       CASE WHEN target_id %% 5 > 0 THEN 45 + place END,
       CASE WHEN target_id %% 5 > 0 THEN (%(traces)s::jsonb[])[1 + place] ELSE '{}' END, %(rule)s,
       CASE WHEN target_id %% 5 = 0 THEN '{disturbed}' ELSE '{}' END::text[], '', '{}', false, '', checked_out_at,
       20000, now() - interval '1 day'
  FROM labeling_task task
  JOIN labeling_target target ON target.id = task.target_id AND target.campaign_id = %(campaign)s
 CROSS JOIN LATERAL (SELECT ((target_id * 31 + volunteer_id) %% 45)::int) AS drawn(place)
"""
_CONSENSUSES = """
INSERT INTO labeling_consensus (target_id, estimator, rule_version, inclination_deg, sigma_deg,
                                inclination_published_deg, verdict, is_split, status, volunteer_count, verdict_counts,
                                reason_counts, note, vote_ids, is_current)
SELECT target.id, estimator, 'bench', degrees, 1 + random(), round(degrees),
       CASE WHEN degrees IS NULL THEN 'J' ELSE 'A' END, false, 'retired', %(each)s, '{}', '{}',
       CASE WHEN degrees IS NULL THEN '[bad_TF] [disturbed] two galaxies?' ELSE '' END, '{1,2,3}', true
  FROM labeling_target target CROSS JOIN unnest(ARRAY['median', 'robust']) AS estimator
 CROSS JOIN LATERAL (SELECT CASE WHEN target.id %% 5 > 0 THEN 45 + 45 * random() END) AS drawn(degrees)
 WHERE target.campaign_id = %(campaign)s
"""


def campaign_filled(labels: int) -> str:
    """Make a campaign in which everything is judged; returns its name."""
    from django.db import connection
    from psycopg.types.json import Jsonb

    from giz.accounts.models import User
    from labeling.comparison import COMPARISON_RULE
    from tests.labeling.sky import trace_to

    campaign = bench_campaign(f"bench-{labels}", labels, bands=("gri",))
    people = [User(email=None, import_source="bench", import_name=f"{labels}-{number}") for number in range(VOLUNTEERS)]
    User.objects.bulk_create(people)
    with connection.cursor() as cursor:
        values = {
            "campaign": campaign.pk,
            "each": VOTES_EACH,
            "people": [person.pk for person in people],
            "volunteers": VOLUNTEERS,
            "standard_set": campaign.standard_set_id,
            "rule": COMPARISON_RULE,
            "traces": [Jsonb(trace_to(45.5 + place)) for place in range(45)],
        }
        cursor.execute("SET statement_timeout = 0")
        cursor.execute(_TASKS, values)
        cursor.execute(_VOTES, values)
        cursor.execute(_CONSENSUSES, values)
        cursor.execute("ANALYZE")
    return str(campaign.name)


@dataclass(frozen=True, slots=True)
class Export:
    """One export by the command: seconds, highest resident memory in MB, the file."""

    seconds: float
    memory_mb: float
    data: bytes


def command(campaign: str, format_name: str, out: Path) -> list[str]:
    """Return the export's command; the file's name begins with what is exported."""
    options = ["--campaign", campaign, "--format", format_name, "--out", str(out), "--force"]
    return [sys.executable, "manage.py", f"export_{out.stem}", *options]


def export(campaign: str, format_name: str, out: Path) -> Export:
    start, memory_mb = time.perf_counter(), 0.0
    process = subprocess.Popen(command(campaign, format_name, out), stdout=subprocess.DEVNULL)
    while process.poll() is None:
        # What wait4 tells begins with the memory of this process, from which that one was made.
        memory_mb = max(memory_mb, resident_mb(process.pid))
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(f"The export of {campaign} as {format_name} failed.")
    return Export(time.perf_counter() - start, memory_mb, out.read_bytes())


def killed_in_between(campaign: str, format_name: str, out: Path) -> str:
    """Kill an export once a part of it lies on disk; says what is there afterwards."""
    process = subprocess.Popen(command(campaign, format_name, out), stdout=subprocess.DEVNULL)
    while process.poll() is None and not on_disk_mb(out):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    if process.wait() == 0:
        return "it ended before it could be killed"
    return f"killed with {on_disk_mb(out):.1f} MB on disk, {'A FILE' if out.exists() else 'no file'} under its name"


def on_disk_mb(out: Path) -> float:
    """Of this file and what is to become it."""
    total = 0
    for path in out.parent.glob(f"*{out.name}*"):
        with contextlib.suppress(FileNotFoundError):  # renamed meanwhile
            total += path.stat().st_size
    return total / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bench_export", description=__doc__)
    parser.add_argument("--labels", type=int, default=1_000_000, help="labels of the large campaign (1,000,000)")
    parser.add_argument("--what", choices=["labels", "votes"], default="labels", help="default: labels")
    parser.add_argument("--formats", nargs="+", default=["parquet", "csv"], help="default: parquet csv")
    options = parser.parse_args()
    print(f"Machine: {machine()}")
    home = Path(tempfile.mkdtemp(prefix="giz-b-"))
    try:
        with bench_services(home):
            start = time.perf_counter()
            few, many = campaign_filled(FEW), campaign_filled(options.labels)
            seconds = time.perf_counter() - start
            print(f"filled in {seconds:.0f} s: {options.labels:,} labels of {VOTES_EACH} votes each")
            print("format       s    memory MB   more than for 1,000   file MB   same bytes")
            for name in options.formats:
                out = home / f"{options.what}.{name}"
                base_mb = export(few, name, out).memory_mb
                runs = [export(many, name, out) for _ in range(2)]
                seconds, memory_mb = (max(getattr(run, what) for run in runs) for what in ("seconds", "memory_mb"))
                print(
                    f"{name:8s} {seconds:6.1f} {memory_mb:10.0f} {memory_mb - base_mb:16.0f}"
                    f"{len(runs[0].data) / 1e6:16.1f}   {'yes' if runs[0].data == runs[1].data else 'NO'}"
                )
                (home / "again").mkdir(exist_ok=True)
                again = home / "again" / out.name
                print(f"         {killed_in_between(many, name, again)}; ", end="", flush=True)
                same = export(many, name, again).data == runs[0].data
                print(f"exported again: {'the same bytes' if same else 'OTHER BYTES'}")
            print(f"(targets: {TARGET_S:.0f} s, {TARGET_MB:.0f} MB more)")
    finally:
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    main()
