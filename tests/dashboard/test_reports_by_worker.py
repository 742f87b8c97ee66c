"""Reports are made by the worker and read by the page: no request computes one, whatever the size of the campaign."""

import os
import re
import shlex
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

import labeling.reports as registry
from giz.accounts.erasure import account_erase
from giz.accounts.models import User
from giz.catalog.models import Galaxy
from giz.core.jobs import run_job
from giz.core.models import Job
from giz.core.report import dumped, loaded
from giz.dashboard.jobs import REPORTS_KIND, report_keep, reports_job
from giz.dashboard.models import KeptReport
from giz.embedded.site import SiteOptions, web_part, worker_part
from labeling.models import Campaign, Target, Vote
from labeling.reports import REPORTS, report_of
from labeling.services.consensus import consensus_rebuild
from standards.models import Standard, StandardSet
from tests.browser.site import free_port
from tests.dashboard.sky import make_campaign, make_set, make_vote

OVERVIEW = "/staff/dashboard/reports/spirals/"
STANDARDS, GALAXIES, PEOPLE, VOTES = 600, 500, 40, 5_000
LONGEST_S = 240.0


@pytest.fixture
def small(alice: User, charlie: User) -> Campaign:
    campaign = make_campaign("spirals", make_set(), first_pgc=100)
    for place, target in enumerate(campaign.targets.all()):
        make_vote(target, alice, place=place)
        make_vote(target, charlie, place=place + 1)
    consensus_rebuild(campaign=campaign)
    return campaign


def make_all(names: list[str] | None = None) -> Job:
    job = reports_job(campaign=Campaign.objects.get(), names=names or list(REPORTS))
    assert job is not None
    return run_job(job)


def _computes(*_: Any) -> Any:
    raise AssertionError("a request computed a report")


@pytest.mark.finding("ux A1")
def test_no_request_computes_a_report(small: Campaign, bob_client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in REPORTS:
        monkeypatch.setitem(registry.REPORTS, name, _computes)
    for path in ("", *(f"{name}/" for name in REPORTS), "state?name=standards"):
        answer = bob_client.get(OVERVIEW + path)
        assert answer.status_code == 200
    early = bob_client.get(OVERVIEW + "standards.csv")
    assert (early.status_code, early["Retry-After"]) == (503, "5")
    assert KeptReport.objects.count() == 0


@pytest.mark.finding("ux A1")
@pytest.mark.parametrize("name", REPORTS)
def test_a_kept_report_is_the_same_in_each_of_its_forms(small: Campaign, name: str) -> None:
    made = report_of(small, name)
    kept = loaded(report_keep(campaign=small, name=name).content)
    assert (kept.name, kept.title, list(kept.lines), kept.rows_are) == (
        made.name,
        made.title,
        list(made.lines),
        made.rows_are,
    )
    assert kept.as_csv() == made.as_csv()
    assert kept.as_json("sky") == made.as_json("sky")
    assert kept.as_svg() == made.as_svg()
    assert kept.as_text() == made.as_text()
    assert kept.shown_rows(2) == made.shown_rows()[:2]
    assert dumped(kept) == dumped(made)


def test_who_looks_has_the_missing_ones_made_by_one_job(small: Campaign, bob: User, bob_client: Client) -> None:
    first = bob_client.get(OVERVIEW + "coverage/").content.decode()
    assert 'data-address="/staff/dashboard/reports/spirals/state?name=coverage"' in first
    bob_client.get(OVERVIEW + "coverage/")
    one = Job.objects.get(kind=REPORTS_KIND)
    assert (one.params["reports"], one.owner) == (["coverage"], bob)
    bob_client.get(OVERVIEW)
    rest = Job.objects.exclude(pk=one.pk).get(kind=REPORTS_KIND)
    assert rest.params["reports"] == [name for name in REPORTS if name != "coverage"]
    run_job(one)
    run_job(rest)
    page = bob_client.get(OVERVIEW).content.decode()
    assert "data-address" not in page
    assert page.count("<h2") == len(REPORTS)
    assert Job.objects.filter(kind=REPORTS_KIND).count() == 2


def test_an_old_one_is_shown_with_its_time_while_a_newer_one_is_made(small: Campaign, bob_client: Client) -> None:
    make_all(["reasons"])
    before = timezone.now() - timedelta(minutes=6)
    KeptReport.objects.update(made_at=before)
    page = bob_client.get(OVERVIEW + "reasons/").content.decode()
    assert "<table>" in page
    assert f"{before:%H:%M}" in page
    assert "data-address" in page
    assert Job.objects.filter(kind=REPORTS_KIND, state="queued").count() == 1


def test_what_takes_long_to_make_is_not_made_anew_every_five_minutes(small: Campaign, bob_client: Client) -> None:
    make_all(["reasons"])
    KeptReport.objects.update(made_at=timezone.now() - timedelta(minutes=6), seconds=60.0)
    bob_client.get(OVERVIEW + "reasons/")
    assert not Job.objects.filter(kind=REPORTS_KIND, state="queued").exists()


def test_the_button_makes_it_anew_and_only_staff_have_it(
    small: Campaign, bob_client: Client, alice_client: Client, client: Client
) -> None:
    make_all()
    address = OVERVIEW + "make"
    assert alice_client.post(address, {"name": "reasons"}).status_code == 404
    assert client.post(address, {"name": "reasons"}).status_code == 302
    assert bob_client.get(address).status_code == 405
    assert not Job.objects.filter(state="queued").exists()
    answer = bob_client.post(address, {"name": "reasons"})
    assert answer["Location"] == OVERVIEW + "reasons/"
    assert Job.objects.get(state="queued").params["reports"] == ["reasons"]
    assert bob_client.post(address)["Location"] == OVERVIEW
    assert len(Job.objects.filter(state="queued")) == 2
    assert Client(enforce_csrf_checks=True).post(address).status_code == 403


def test_a_report_that_fails_leaves_the_others_and_is_told_with_its_reason(
    small: Campaign, bob_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_campaign: Campaign) -> Any:
        raise RuntimeError("the ruler has a hole")

    with monkeypatch.context() as patched:
        patched.setitem(registry.REPORTS, "agreement", broken)
        job = reports_job(campaign=small, names=list(REPORTS))
        assert job is not None
        for _attempt in range(job.max_attempts):
            with pytest.raises(RuntimeError):
                run_job(job)
    job.refresh_from_db()
    assert job.state == Job.State.FAILED
    assert KeptReport.objects.count() == len(REPORTS) - 1
    for path in ("", "agreement/"):
        page = bob_client.get(OVERVIEW + path).content.decode()
        assert "the ruler has a hole" in page
        assert "when you press <i>Update</i>" in page
    assert not Job.objects.filter(state="queued").exists(), "a failed one is not made again by looking"
    bob_client.post(OVERVIEW + "make", {"name": "agreement"})
    run_job(Job.objects.get(state="queued"))
    assert "the ruler has a hole" not in bob_client.get(OVERVIEW).content.decode()


def test_the_part_that_refreshes_itself_tells_the_page_when_to_read_itself_anew(
    small: Campaign, bob_client: Client
) -> None:
    def version(body: str) -> str:
        found = re.search(r'data-version="(\w+)"', body)
        assert found
        return found[1]

    page = bob_client.get(OVERVIEW + "reasons/").content.decode()
    state = OVERVIEW + "state?name=reasons"
    assert version(bob_client.get(state).content.decode()) == version(page)
    run_job(Job.objects.get())
    done = bob_client.get(state).content.decode()
    assert version(done) != version(page)
    assert "data-address" not in done
    assert version(bob_client.get(OVERVIEW + "reasons/").content.decode()) == version(done)


def test_a_job_of_reports_goes_on_where_it_was_stopped(small: Campaign) -> None:
    job = reports_job(campaign=small, names=["reasons", "coverage"])
    assert job is not None

    def interrupt(done: int, _total: int, _message: str) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_job(job, on_progress=interrupt)
    assert list(KeptReport.objects.values_list("name", flat=True)) == ["reasons"]
    first = KeptReport.objects.get().made_at
    run_job(job)
    assert KeptReport.objects.count() == 2
    assert KeptReport.objects.get(name="reasons").made_at == first


@pytest.mark.finding("abuse A30")
def test_no_kept_report_tells_the_number_of_somebody_who_was_erased(small: Campaign, alice: User) -> None:
    make_all()
    number = alice.public_name
    assert any(number in content for content in KeptReport.objects.values_list("content", flat=True))
    account_erase(user=alice)
    assert not any(number in content for content in KeptReport.objects.values_list("content", flat=True))


# --- through the real server ----------------------------------------------------------------------------------------
@pytest.fixture
def large(transactional_db: None) -> Campaign:
    """A campaign with 600 standards and 5,000 votes beside them: what killed the web processes of before."""
    rng = np.random.default_rng(12)
    numbers = range(1, STANDARDS + GALAXIES + 1)
    galaxies = Galaxy.objects.bulk_create([Galaxy(pgc=number, name=f"G{number}") for number in numbers])
    ruler = StandardSet.objects.create(name="ruler", version=1, digest="d")
    degrees = np.linspace(45, 90, STANDARDS)
    Standard.objects.bulk_create(
        Standard(standard_set=ruler, galaxy=galaxy, inclination_deg=float(deg), bin_deg=round(float(deg)))
        for galaxy, deg in zip(galaxies, degrees, strict=False)
    )
    ruler.state, ruler.published_at = StandardSet.State.PUBLISHED, timezone.now()
    ruler.save()
    campaign = Campaign.objects.create(name="spirals", title="Spirals", standard_set=ruler, overlap=10, state="open")
    per_galaxy = VOTES // GALAXIES
    targets = Target.objects.bulk_create(
        Target(campaign=campaign, galaxy=galaxy, quota=per_galaxy, order_key=0.5, vote_count=per_galaxy)
        for galaxy in galaxies[STANDARDS:]
    )
    people = User.objects.bulk_create([User(email=None, password="!") for _ in range(PEOPLE)])
    votes = []
    for place, target in enumerate(targets):
        truth = 46 + 43 * place / GALAXIES
        for person in rng.choice(PEOPLE, per_galaxy, replace=False).tolist():
            said = float(np.clip(truth + rng.normal(0, 2), 45, 90))
            left, right = sorted(rng.choice(STANDARDS, 2, replace=False).tolist())
            votes.append(
                Vote(
                    key=uuid.UUID(int=len(votes)), body_hash="h", target=target, volunteer=people[person],
                    standard_set=ruler, verdict="A", inclination_deg=said, inclination_rounded_deg=round(said),
                    trace={"standards_pgc": [left + 1, right + 1]},
                )
            )  # fmt: skip
    Vote.objects.bulk_create(votes)
    consensus_rebuild(campaign=campaign)
    return campaign


@contextmanager
def site(folder: Path) -> Iterator[str]:
    """The web server and the worker as they are shipped, on the database of this test; yields the address."""
    database, port = connection.settings_dict, free_port()
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
        "CACHE_URL": settings.CACHES["default"]["LOCATION"],
        "CACHE_KEY_PREFIX": cache.key_prefix,
        "SITE_URL": f"http://127.0.0.1:{port}",
        "PYTHONWARNINGS": "ignore",
    }
    options = SiteOptions(port=port, worker_concurrency=1)
    parts = [web_part(options, environment), worker_part(options, environment)]
    running = []
    try:
        for part in parts:
            log = (folder / f"{part.name}.log").open("wb")
            running.append(subprocess.Popen(part.argv, cwd=part.cwd, env=part.env, stdout=log, stderr=log))
        _wait_for(f"http://127.0.0.1:{port}/healthz")
        yield f"http://127.0.0.1:{port}"
    finally:
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(address: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(address, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(f"{address} never answered")


@pytest.mark.finding("ux A1")
def test_every_report_on_600_standards_and_5000_votes_arrives_through_the_real_server(
    large: Campaign, bob_client: Client, tmp_path: Path
) -> None:
    cookie = f"{settings.SESSION_COOKIE_NAME}={bob_client.cookies[settings.SESSION_COOKIE_NAME].value}"

    with site(tmp_path) as address:

        def get(path: str) -> str:
            request = urllib.request.Request(address + OVERVIEW + path, headers={"Cookie": cookie})
            with urllib.request.urlopen(request, timeout=60) as answer:
                body: str = answer.read().decode()
                return body

        assert "being made" in get("")
        end = time.monotonic() + LONGEST_S
        while "data-address" in get("state?name=" + "&name=".join(REPORTS)):
            assert time.monotonic() < end, (tmp_path / "worker.log").read_text()[-3000:]
            time.sleep(0.5)
        page = get("")
        for name in REPORTS:
            made = report_of(large, name)
            assert f'id="{name}"' in page, (tmp_path / "worker.log").read_text()[-3000:]
            assert get(f"{name}.csv") == made.as_csv(), name
            assert get(f"{name}.json") == made.as_json("spirals"), name
            if made.plots:
                assert get(f"{name}.svg") == made.as_svg(), name
            assert made.title in get(f"{name}/")
    log = (tmp_path / "web.log").read_text()
    assert "Unexpected exit" not in log
    assert "segfault" not in log.lower()


STACK_APP = """
import ctypes
import giz.wsgi
from giz.front.bridge import Front
libc = ctypes.CDLL(None)
libc.pthread_self.restype = ctypes.c_void_p

def answer(environ, start_response):
    attributes, size = ctypes.create_string_buffer(256), ctypes.c_size_t()
    libc.pthread_getattr_np(ctypes.c_void_p(libc.pthread_self()), attributes)
    libc.pthread_attr_getstacksize(attributes, ctypes.byref(size))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [str(size.value).encode()]

application = Front(answer, threads=2, trusted_proxies=0)
"""


@pytest.mark.finding("ux A1")
def test_the_threads_of_the_web_server_have_as_much_stack_as_a_first_thread(tmp_path: Path) -> None:
    (tmp_path / "stack_app.py").write_text(STACK_APP)
    options = SiteOptions(port=free_port(), web_workers=1)
    paths = os.pathsep.join([str(tmp_path), str(Path(__file__).resolve().parents[2])])
    part = web_part(options, {**os.environ, "PYTHONPATH": paths})
    command = ["ulimit -s 1024; exec " + shlex.join([*part.argv[:-1], "stack_app:application"])]
    with subprocess.Popen(["bash", "-c", *command], cwd=tmp_path, env=part.env) as server:
        try:
            address = f"http://127.0.0.1:{options.port}/"
            _wait_for(address)
            with urllib.request.urlopen(address, timeout=10) as answer:
                assert int(answer.read()) >= 8 * 1024 * 1024
        finally:
            server.terminate()


@pytest.mark.finding("ux A1")
def test_openblas_has_one_thread_in_a_web_process() -> None:
    code = "import giz.wsgi, os; print(os.environ['OPENBLAS_NUM_THREADS'])"
    environment = {key: value for key, value in os.environ.items() if key != "OPENBLAS_NUM_THREADS"}
    environment["DJANGO_SETTINGS_MODULE"] = "giz.settings"
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("1")
