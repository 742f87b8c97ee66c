"""The site that is measured: the parts of ``manage.py up`` on servers of their own, and campaigns made by SQL."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from giz.embedded.layout import Layout
from giz.embedded.site import QUIET_PYTHON, SiteOptions, beat_part, votes_part, web_part, worker_part
from tests.bench.labelling.load import Prepared, random_vote
from tests.bench.services import bench_campaign, bench_services

LOGIN = "allauth.account.auth_backends.AuthenticationBackend"


@contextmanager
def bench_site(home: Path, web_workers: int | None, web_threads: int | None) -> Iterator[BenchSite]:
    """Bring up the services, the schema, and web, worker and beat with the arguments of ``manage.py up``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    chosen = {name: value for name, value in (("web_workers", web_workers), ("web_threads", web_threads)) if value}
    options = SiteOptions(port=port, **chosen)
    os.environ |= {**QUIET_PYTHON, "SITE_URL": options.address}
    with bench_services(home):
        layout = Layout(home)
        (home / "static").mkdir(exist_ok=True)
        parts = []
        environment = dict(os.environ)
        try:
            for part in (
                web_part(options, environment),
                worker_part(options, environment),
                votes_part(options, environment),
                beat_part(environment),
            ):
                log = (layout.logs / f"{part.name}.log").open("wb")
                parts.append(subprocess.Popen(part.argv, env=part.env, cwd=part.cwd, stdout=log, stderr=log))
            _wait_until_answering(port, layout.logs / "web.log")
            yield BenchSite(port, home, {process.pid for process in parts[:1]})
        finally:
            for process in parts:
                process.terminate()
            for process in parts:
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()


def _wait_until_answering(port: int, log: Path) -> None:
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=1) as probe:
                probe.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                if b" 200 " in probe.recv(100):
                    return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"The web server did not answer:\n{log.read_text(errors='replace')[-2000:]}")


class BenchSite:
    """A running site, and ways to fill it."""

    def __init__(self, port: int, home: Path, web: set[int]) -> None:
        self.port = port
        self._home = str(home)
        self._web = web

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds that the site's processes have used so far: unlike times, they do not grow on a busy machine."""
        found = {"web": 0.0, "database": 0.0}
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                family = {process.pid, *(parent.pid for parent in process.parents())}
                times = process.cpu_times()
                if family & self._web:
                    found["web"] += times.user + times.system
                elif any(self._is_postgres(psutil.Process(pid)) for pid in family if pid > 1):
                    found["database"] += times.user + times.system
        return found

    def _is_postgres(self, process: psutil.Process) -> bool:
        return "postgres" in process.name() and any(self._home in word for word in process.cmdline())

    def prepare(self, *, targets: int, clients: int, abandoned: int) -> Prepared:
        """Make a campaign with this many open targets, ``abandoned`` of them leased long ago, at the head."""
        from django.db import connection

        from labeling.services.campaigns import campaign_open

        name = f"bench-{targets}-{uuid.uuid4().hex[:6]}"
        campaign = bench_campaign(name, targets)
        people = _people(clients + 2)
        with connection.cursor() as cursor:
            cursor.execute(
                """WITH head AS (SELECT id FROM labeling_target WHERE campaign_id = %s ORDER BY order_key LIMIT %s),
                        lease AS (INSERT INTO labeling_task
                              (id, target_id, volunteer_id, standard_set_id, seed, state, checked_out_at, due_at)
                            SELECT gen_random_uuid(), id, %s, %s, id, 'leased',
                                   now() - interval '1 hour', now() - interval '45 min' FROM head)
                   UPDATE labeling_target SET lease_count = 1 WHERE id IN (SELECT id FROM head)""",
                [campaign.pk, abandoned, people[0].pk, campaign.standard_set_id],
            )
        campaign_open(campaign=campaign)
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        sessions = [_session(person) for person in people[2:]]
        return Prepared(campaign=name, sessions=sessions, sql=_statements(people[1], name))


def _people(count: int) -> list[object]:
    from giz.accounts.models import User

    return [User.objects.create_user(f"{uuid.uuid4().hex}@example.org") for _ in range(count)]


def _session(person: object) -> str:
    from django.test import Client

    client = Client()
    client.force_login(person, backend=LOGIN)  # type: ignore[arg-type]
    return client.cookies["sessionid"].value


def _statements(person: object, campaign: str) -> dict[str, int]:
    """SQL statements of the second cycle in one process (BEGIN and COMMIT apart)."""
    import random

    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client = Client(HTTP_HOST="localhost")
    client.force_login(person, backend=LOGIN)  # type: ignore[arg-type]
    counts = {}
    for _cycle in range(2):
        with CaptureQueriesContext(connection) as statements:
            task = client.post("/api/v1/tasks/", {"campaign": campaign}, content_type="application/json")
        counts["next"] = sum(not query["sql"].startswith(("BEGIN", "COMMIT")) for query in statements)
        with CaptureQueriesContext(connection) as statements:
            body = random_vote(task.json()["id"], random.Random(_cycle))
            client.post("/api/v1/votes/", body, content_type="application/json")
        counts["vote"] = sum(not query["sql"].startswith(("BEGIN", "COMMIT")) for query in statements)
    return counts
