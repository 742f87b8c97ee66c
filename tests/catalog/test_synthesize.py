"""`manage.py synthesize`: the same bytes whatever the workers and interruptions, truth kept, mistakes answered."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from giz.catalog.services import synthesis
from giz.catalog.services.synthesis import labelset_synthesize
from giz.labelset import LabelSet
from giz.synthetic.population import POPULATION_RULES, draw_member, render_member
from tests.labelset.sets import contents
from tests.refusals import refuses

REPOSITORY = Path(__file__).resolve().parent.parent.parent
SETTINGS: dict[str, Any] = {"galaxies": 40, "size_px": 64, "seed": 3}


@pytest.fixture(autouse=True)
def _small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "SHARD_GALAXIES", 16)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("synthesized") / "whole"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(synthesis, "SHARD_GALAXIES", 16)
        labelset_synthesize(folder=folder, workers=1, **SETTINGS)
    return folder


def test_any_number_of_workers_gives_the_same_bytes(tmp_path: Path, whole: Path) -> None:
    labelset_synthesize(folder=tmp_path / "set", workers=3, **SETTINGS)
    assert dict(contents(tmp_path / "set")) == dict(contents(whole))


def test_the_set_holds_truth_pictures_and_all_that_was_drawn(whole: Path) -> None:
    labelset = LabelSet.open(whole, verify="full")
    assert len(labelset) == 40
    for row in range(40):
        member = draw_member(3, row)
        assert labelset.column("verdict")[row] == member.verdict
        assert labelset.column("is_disturbed")[row] == member.is_disturbed
        if member.inclination_deg is not None:
            assert labelset.column("inclination_deg")[row] == member.inclination_deg
    made = render_member(3, 20, 64)
    assert json.loads(labelset.column("parameters")[20]) == made.parameters
    np.testing.assert_array_equal(labelset.image(20, "i"), made.pictures["i"])


KILLED = """
import sys
from pathlib import Path
import django
django.setup()
from giz.catalog.services import synthesis
synthesis.SHARD_GALAXIES = 16
synthesis.labelset_synthesize(folder=Path(sys.argv[1]), galaxies=40, size_px=64, seed=3, workers=2)
"""


def test_a_run_that_was_killed_goes_on_and_leaves_no_process(tmp_path: Path, whole: Path) -> None:
    folder, journal = tmp_path / "set", tmp_path / "set.partial" / "journal.jsonl"
    run = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], cwd=REPOSITORY, start_new_session=True)
    deadline = time.monotonic() + 120
    while not (journal.exists() and journal.read_bytes().count(b"\n") >= 2):
        assert run.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    workers = [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()]
    run.send_signal(signal.SIGKILL)
    run.wait()
    assert not folder.exists()
    while any(_is_alive(pid) for pid in workers):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first_heard: list[int] = []
    labelset_synthesize(folder=folder, workers=2, on_progress=lambda done, _total: first_heard.append(done), **SETTINGS)
    assert first_heard[0] >= 16
    assert dict(contents(folder)) == dict(contents(whole))


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_finished_set_is_left_as_it_is(tmp_path: Path, whole: Path) -> None:
    before = (whole / "manifest.json").stat().st_mtime_ns
    labelset_synthesize(folder=whole, workers=1, **SETTINGS)
    assert (whole / "manifest.json").stat().st_mtime_ns == before
    with refuses("exists"):
        labelset_synthesize(folder=whole, workers=1, **{**SETTINGS, "seed": 4})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n": 0}, "--n must be from 1 to 9,000,000; got 0"),
        ({"size": 32}, "--size must be from 64 to 1,024; got 32"),
        ({"workers": 0}, "--workers must be from 1 to 256; got 0"),
        ({"seed": -1}, "--seed must be from 0"),
    ],
)
def test_a_number_that_makes_no_sense_is_answered_with_the_limits(
    tmp_path: Path, options: dict[str, int], message: str
) -> None:
    with pytest.raises(CommandError, match=message):
        call_command("synthesize", **{"n": 3, "size": 64, "workers": 1, "out": str(tmp_path / "x"), **options})
    assert list(tmp_path.iterdir()) == []


def test_the_command_needs_no_database_and_says_what_it_made(tmp_path: Path) -> None:
    environment = {**os.environ, "GIZ_HOME": str(tmp_path / "home"), "DATABASE_URL": "", "CELERY_BROKER_URL": ""}
    done = subprocess.run(
        [sys.executable, "manage.py", "synthesize", "--n", "5", "--size", "64", "--workers", "1", "--out",
         str(tmp_path / "set")],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "5 galaxies" in done.stdout
    assert not (tmp_path / "home" / "postgres").exists()
    made = LabelSet.open(tmp_path / "set")
    assert len(made) == 5
    assert made.manifest["versions"]["population_rule"] == POPULATION_RULES[-1]


def test_a_named_rule_makes_the_sets_of_earlier_versions(tmp_path: Path) -> None:
    names = {"named": {"rule": POPULATION_RULES[0]}, "current": {}}
    for name, options in names.items():
        call_command("synthesize", n=3, size=64, workers=1, out=str(tmp_path / name), **options)
    labelset_synthesize(folder=tmp_path / "before", galaxies=3, size_px=64, seed=1, workers=1, rule="population-4")
    digests = {name: LabelSet.open(tmp_path / name).manifest["digest"] for name in ("named", "current", "before")}
    assert digests["named"] == digests["before"] != digests["current"]
