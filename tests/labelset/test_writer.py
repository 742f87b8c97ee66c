"""Writing: resumable at any moment, atomic, immutable, the same bytes for the same galaxies."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from giz.labelset import Column, LabelSet, LabelSetError, LabelSetWriter
from tests.labelset.sets import LABELS_ONLY, SPEC, add_from, contents, galaxy, write_set
from tests.refusals import refuses


def test_the_same_galaxies_give_the_same_bytes(tmp_path: Path, finished: Path) -> None:
    write_set(tmp_path / "again")
    assert dict(contents(tmp_path / "again")) == dict(contents(finished))


@pytest.mark.parametrize("stopped_at", [0, 5, 16, 40])
def test_a_writer_that_stopped_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, finished: Path, stopped_at: int
) -> None:
    folder = tmp_path / "set"
    with LabelSetWriter(folder, SPEC) as writer:
        add_from(writer, 0, stopped_at)
    assert not folder.exists()
    with LabelSetWriter(folder, SPEC) as writer:
        assert writer.galaxy_count == stopped_at // 16 * 16
        add_from(writer, writer.galaxy_count, 50)
        writer.finish()
    assert dict(contents(folder)) == dict(contents(finished))
    assert [path.name for path in tmp_path.iterdir()] == ["set"]


KILLED = """
import os, signal, sys
from pathlib import Path
from giz.labelset import LabelSetWriter
from tests.labelset.sets import SPEC, add_from
writer = LabelSetWriter(Path(sys.argv[1]), SPEC)
add_from(writer, 0, 40)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_writer_that_was_killed_leaves_what_the_next_one_needs(tmp_path: Path, finished: Path) -> None:
    folder = tmp_path / "set"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(folder)], check=False, env=dict(os.environ))
    assert killed.returncode == -signal.SIGKILL
    assert not folder.exists()
    journal = tmp_path / "set.partial" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes() + b'{"galaxies": 16, "last')
    with LabelSetWriter(folder, SPEC) as writer:
        assert writer.galaxy_count == 32
        assert writer.last_pgc == 1032
        add_from(writer, 32, 50)
        writer.finish()
    assert dict(contents(folder)) == dict(contents(finished))


def test_a_finished_set_is_never_changed(tmp_path: Path) -> None:
    write_set(tmp_path / "set", 3)
    with refuses("exists"):
        LabelSetWriter(tmp_path / "set", SPEC)
    assert not any(path.stat().st_mode & 0o222 for path in (tmp_path / "set").rglob("*") if path.is_file())


def test_other_settings_do_not_go_on_with_what_was_begun(tmp_path: Path) -> None:
    with LabelSetWriter(tmp_path / "set", SPEC) as writer:
        add_from(writer, 0, 20)
    with refuses("other_settings"):
        LabelSetWriter(tmp_path / "set", replace(SPEC, title="Another"))


def test_two_writers_of_one_set_are_told(tmp_path: Path) -> None:
    with (
        LabelSetWriter(tmp_path / "set", SPEC),
        pytest.raises(LabelSetError, match="Another process is writing") as refused,
    ):
        LabelSetWriter(tmp_path / "set", SPEC)
    assert refused.value.code == "in_use"


def test_an_empty_set_is_refused(tmp_path: Path) -> None:
    with LabelSetWriter(tmp_path / "set", SPEC) as writer, pytest.raises(LabelSetError, match="no galaxies to write"):
        writer.finish()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pgc": 1001}, "pgc 1001 comes twice"),
        ({"pgc": 900}, "pgc 900 comes after 1001"),
        ({"pgc": True}, "pgc must be a whole number"),
        ({"inclination_deg": float("nan")}, "inclination_deg is nan"),
        ({"inclination_deg": 90.5}, "not within 0 to 90"),
        ({"verdict": "A", "inclination_deg": None}, "accepted, but without an inclination"),
        ({"verdict": "X"}, "none of A, F, J"),
        ({"verdict": None}, "verdict is missing"),
        ({"volunteer_count": 2.5}, "volunteer_count must be int64"),
        ({"surprise": 1}, "no column surprise"),
        ({"note": "write to some.one@example.org"}, "holds an e-mail address"),
    ],
)
def test_a_bad_row_is_refused_with_its_reason(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    with LabelSetWriter(tmp_path / "set", SPEC) as writer:
        writer.add(galaxy(0)[0])
        with pytest.raises(LabelSetError, match=message):
            writer.add({**galaxy(1)[0], **change})
        writer.add(galaxy(1)[0])
        assert writer.finish()["counts"]["galaxies"] == 2


@pytest.mark.parametrize(
    ("band", "pixels", "message"),
    [
        ("r", np.zeros((16, 16), np.uint8), r"must be uint8 \(32, 32\)"),
        ("r", np.zeros((32, 32), np.float32), "float32"),
        ("gri", np.zeros((32, 32), np.uint8), r"\(32, 32, 3\)"),
        ("z", np.zeros((32, 32), np.uint8), "no band 'z'"),
    ],
)
def test_an_image_that_does_not_fit_is_refused(tmp_path: Path, band: str, pixels: Any, message: str) -> None:
    with LabelSetWriter(tmp_path / "set", SPEC) as writer, pytest.raises(LabelSetError, match=message):
        writer.add(galaxy(0)[0], {band: pixels})


@pytest.mark.parametrize("name", ["pgc", "PGC", "split", "two words", "1st"])
def test_a_column_name_that_formats_can_not_hold_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LabelSetError) as refused:
        LabelSetWriter(tmp_path / "set", replace(SPEC, columns=(Column(name, "string", ""),)))
    assert refused.value.code == "bad_columns"


def test_the_manifest_counts_and_names_versions_and_nobody(finished: Path) -> None:
    manifest = json.loads((finished / "manifest.json").read_text())
    counts = manifest["counts"]
    assert counts["galaxies"] == counts["train"] + counts["test"] == 50
    assert (counts["accepted"], counts["face_on"], counts["rejected"], counts["split"]) == (26, 8, 8, 8)
    assert (counts["images_r"], counts["images_g"]) == (50, 43)
    assert manifest["versions"]["rules"] == ["median-1"]
    assert {column["name"]: column["unit"] for column in manifest["columns"]}["inclination_deg"] == "deg"
    assert "@" not in (finished / "manifest.json").read_text()


def test_labels_alone_make_a_set_too(tmp_path: Path) -> None:
    manifest = write_set(tmp_path / "set", spec=LABELS_ONLY)
    assert manifest["images"] is None
    labelset = LabelSet.open(tmp_path / "set", verify="full")
    assert len(labelset) == 50
    assert not labelset.has_image("r").any()
