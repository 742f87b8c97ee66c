"""Metadata: Croissant that its validator passes, all that DataCite asks for, checksums, a README that is true."""

import json
import re
import subprocess
from pathlib import Path

import mlcroissant
import pandas as pd

from giz.labelset import LabelSet


def test_mlcroissant_validates_and_reads_the_records(finished: Path) -> None:
    dataset = mlcroissant.Dataset(str(finished / "croissant.json"))
    assert dataset.metadata.issues.errors == set()
    assert dataset.metadata.issues.warnings == set()
    records = list(dataset.records("labels"))
    assert [record["labels/pgc"] for record in records] == list(range(1001, 1051))
    assert next(iter(dataset.records("images")))["images/band"] == b"g"


def test_datacite_has_every_property_that_is_asked_for_and_names_nobody(finished: Path) -> None:
    data = json.loads((finished / "datacite.json").read_text())
    assert {"creators", "titles", "publisher", "publicationYear", "types", "schemaVersion"} <= set(data)
    assert re.fullmatch(r"\d{4}", data["publicationYear"])
    assert [creator["nameType"] for creator in data["creators"]] == ["Organizational"]
    assert data["types"]["resourceTypeGeneral"] == "Dataset"


def test_sha256sum_confirms_every_file(finished: Path) -> None:
    answer = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=finished, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout
    files = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    assert {line.split(": ")[0] for line in answer.stdout.splitlines()} == files - {"SHA256SUMS"}


def test_the_code_in_the_readme_runs(finished: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    text = (finished / "README.md").read_text()
    code = "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))
    monkeypatch.chdir(finished)
    names: dict[str, object] = {}
    exec(code, names)
    labelset = LabelSet.open(finished)
    train = names["train"]
    assert isinstance(train, pd.DataFrame)
    assert len(train) == labelset.rows(split="train", verdicts=["A"]).size
    assert (names["picture"] == labelset.image(0, "g")).all()  # type: ignore[attr-defined]


def test_the_readme_names_every_column(finished: Path) -> None:
    text = (finished / "README.md").read_text()
    assert [c.name for c in LabelSet.open(finished).columns if f"| `{c.name}` |" not in text] == []
    assert "50 galaxies: 26 accepted, 8 face-on, 8 rejected, 8 on which people disagree evenly" in text
