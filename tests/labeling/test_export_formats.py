"""Every format of `export_labels`: what the field's tools read is what the consensus says; the manifest fits."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.io.votable import parse
from astropy.table import Table
from django.core.management import CommandError, call_command

from labeling.models import Campaign, Consensus, Target
from tests.labeling.sky import make_campaign

pytestmark = pytest.mark.django_db(transaction=True)


def judged(campaign: Campaign) -> None:
    """Give every target a consensus: accepted, face-on, rejected, split, in turn."""
    made = []
    for number, target in enumerate(Target.objects.filter(campaign=campaign).order_by("galaxy__pgc")):
        verdict = ("A", "A", "F", "J", "")[number % 5]
        accepted = verdict == "A"
        made.append(
            Consensus(
                target=target,
                estimator="median",
                rule_version="median-1",
                inclination_deg=60.25 + number if accepted else None,
                sigma_deg=1.23456 if accepted else None,
                inclination_published_deg=60 + number if accepted else None,
                verdict=verdict,
                is_split=not verdict,
                status="retired",
                volunteer_count=2 if number == 6 else 3,
                reason_counts={} if accepted else {"bad_TF": 2, "disturbed": 1},
                note="" if accepted else "[bad_TF] [disturbed] =cmd|größer",
            )
        )
    Consensus.objects.bulk_create(made)


@pytest.fixture
def campaign() -> Campaign:
    campaign = make_campaign(targets=10)
    judged(campaign)
    return campaign


def export(format_name: str, path: Path, **options: Any) -> dict[str, Any]:
    call_command("export_labels", campaign="sky", format_name=format_name, out=str(path), **options)
    manifest: dict[str, Any] = json.loads(path.with_name(path.name + ".manifest.json").read_text())
    return manifest


@pytest.mark.parametrize("format_name", ["csv", "json", "edd", "parquet", "fits", "votable"])
def test_each_format_has_a_manifest_that_fits_and_repeats_byte_by_byte(
    campaign: Campaign, tmp_path: Path, format_name: str
) -> None:
    manifest = export(format_name, tmp_path / "labels")
    data = (tmp_path / "labels").read_bytes()
    assert manifest["sha256"] == hashlib.sha256(data).hexdigest()
    assert manifest["counts"]["rows"] == (9 if format_name == "edd" else 10)
    export(format_name, tmp_path / "labels", force=True)
    assert (tmp_path / "labels").read_bytes() == data


def test_the_fields_tools_agree_on_what_they_read(campaign: Campaign, tmp_path: Path) -> None:
    for format_name in ("parquet", "fits", "votable"):
        export(format_name, tmp_path / format_name)
    pandas = pd.read_parquet(tmp_path / "parquet")
    fits = Table.read(tmp_path / "fits", format="fits")
    votable = parse(tmp_path / "votable", verify="exception").get_first_table().to_table()
    wanted = [60.25, 61.25, np.nan, np.nan, np.nan, 65.25, 66.25, np.nan, np.nan, np.nan]
    for table in (pandas, fits, votable):
        np.testing.assert_array_equal(np.ma.filled(np.ma.asarray(table["inclination_deg"]), np.nan), wanted)
        assert [str(cell) for cell in table["verdict"]] == ["A", "A", "F", "J", "split"] * 2
    assert fits["sigma_deg"].unit == votable["sigma_deg"].unit == "deg"
    assert pandas["inc_note"][3] == "[bad_TF] [disturbed] =cmd|größer"


def test_an_unknown_format_is_answered_with_the_known_ones(campaign: Campaign, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="Known: csv, json, edd, parquet, fits, votable"):
        export("parket", tmp_path / "labels")
