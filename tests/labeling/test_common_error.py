"""The common-mode error of a campaign's labels: staff state it, every export carries it, where one was measured."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from astropy.io.votable import parse
from astropy.table import Table
from django.db import DatabaseError, transaction
from django.test import Client
from django.urls import reverse

from giz.catalog.models import GalaxyImage
from giz.catalog.services import image_store
from giz.core.jobs import run_job
from giz.labelset import LabelSet as FrozenSet
from labeling.jobs import labels_freeze_job
from labeling.models import Campaign, LabelSet, Target
from labeling.services.labelsets import labels_as_of, labelset_freeze, labelset_root
from tests.labeling.sky import make_campaign
from tests.labeling.test_export_formats import export, judged

pytestmark = pytest.mark.django_db(transaction=True)

STATED = {"sigma_deg": 1.4, "measured_against": "tilted rings, H I"}
# Of each galaxy: the error stands only where there is an inclination.
WANTED = [1.4, 1.4, np.nan, np.nan, np.nan] * 2


@pytest.fixture
def campaign(settings: Any, tmp_path: Path) -> Campaign:
    settings.GIZ_HOME = tmp_path / "home"
    campaign = make_campaign(targets=10)
    judged(campaign)
    return campaign


def state(campaign: Campaign, sigma_deg: float | None = 1.4) -> None:
    words = "" if sigma_deg is None else STATED["measured_against"]
    Campaign.objects.filter(pk=campaign.pk).update(sigma_common_deg=sigma_deg, sigma_common_from=words)
    campaign.refresh_from_db()


def test_it_stands_in_every_table_and_manifest_beside_inclinations(campaign: Campaign, tmp_path: Path) -> None:
    state(campaign)
    for name in ("csv", "json", "edd", "parquet", "fits", "votable"):
        assert export(name, tmp_path / name)["common_error"] == STATED
    tables = {
        "csv": pd.read_csv(tmp_path / "csv"),
        "json": pd.read_json(tmp_path / "json"),
        "parquet": pd.read_parquet(tmp_path / "parquet"),
        "fits": Table.read(tmp_path / "fits", format="fits"),
        "votable": parse(tmp_path / "votable", verify="exception").get_first_table().to_table(),
    }
    for table in tables.values():
        np.testing.assert_array_equal(np.ma.filled(np.ma.asarray(table["sigma_common_deg"]), np.nan), WANTED)
    assert tables["fits"]["sigma_common_deg"].unit == tables["votable"]["sigma_common_deg"].unit == "deg"


def test_where_none_was_measured_only_an_empty_column_is_new(campaign: Campaign, tmp_path: Path) -> None:
    """Rows are those of earlier versions, byte by byte, with empty cells (this error, identifiers) at the end."""
    manifest = export("csv", tmp_path / "labels")
    assert "common_error" not in manifest
    assert manifest["columns"][-2] == "sigma_common_deg"
    header, first, *_ = (tmp_path / "labels").read_text(encoding="utf-8").splitlines()
    assert header.endswith(",robust_deg,robust_sigma_deg,sigma_common_deg,galaxy_ids")
    pgc = Target.objects.order_by("galaxy__pgc")[0].galaxy.pgc
    assert first == f"{pgc},60,2,0,3,,60.25,1.2346,A,retired,60.25,1.2346,,,,"
    export("parquet", tmp_path / "table")
    assert pd.read_parquet(tmp_path / "table")["sigma_common_deg"].isna().all()


def test_a_label_set_that_states_it_is_another_set_and_describes_it(campaign: Campaign) -> None:
    plain = frozen(campaign)
    state(campaign)
    run_job(labels_freeze_job(campaign=campaign, size_px=None))
    made = LabelSet.objects.exclude(pk=plain.pk).get()
    folder = labelset_root() / made.name
    read = FrozenSet.open(folder, verify="full")
    np.testing.assert_array_equal(read.column("sigma_common_deg"), WANTED)
    assert read.manifest["versions"]["common_error"] == STATED
    fields = json.loads((folder / "croissant.json").read_text())["recordSet"][0]["field"]
    assert "sigma_common_deg" in [field["name"] for field in fields]
    # Sets without one keep their name and columns, so those of earlier versions are found again.
    state(campaign, None)
    assert frozen(campaign) == plain
    columns = FrozenSet.open(labelset_root() / plain.name).columns
    assert "sigma_common_deg" not in [column.name for column in columns]


def frozen(campaign: Campaign) -> LabelSet:
    return labelset_freeze(campaign=campaign, as_of=labels_as_of(campaign, "median"), size_px=None)


def test_exports_with_pictures_carry_it(campaign: Campaign, tmp_path: Path) -> None:
    GalaxyImage.objects.all().delete()
    pixels = np.random.default_rng(1).integers(0, 256, (128, 128), np.uint8)
    for target in Target.objects.select_related("galaxy"):
        image_store(galaxy=target.galaxy, band="g", pixels=pixels, origin="test")
    export("npz", tmp_path / "plain", size=64)
    with np.load(tmp_path / "plain") as archive:
        assert "sigma_common_deg" not in archive
    state(campaign)
    assert export("npz", tmp_path / "labels", size=64)["versions"]["common_error"] == STATED
    with np.load(tmp_path / "labels") as archive:
        np.testing.assert_array_equal(archive["sigma_common_deg"], WANTED)
    assert export("folder", tmp_path / "folder", size=64)["versions"]["common_error"] == STATED


def test_staff_state_it_together_with_what_it_was_measured_against(campaign: Campaign, bob_client: Client) -> None:
    page = reverse("admin:labeling_campaign_change", args=[campaign.pk])
    form = {"title": "Sky", "lease_minutes": "15", "estimator": "median", "uses_network": "on"}
    for half in ({"sigma_common_deg": "1.4"}, {"sigma_common_from": "tilted rings, H I"}):
        assert bob_client.post(page, {**form, **half}).status_code == 200  # the form again, with what is missing
    campaign.refresh_from_db()
    assert campaign.common_error is None
    whole = {"sigma_common_deg": "1.4", "sigma_common_from": "tilted rings, H I"}
    assert bob_client.post(page, form | whole).status_code == 302
    campaign.refresh_from_db()
    assert campaign.common_error == STATED


@pytest.mark.parametrize("sigma_deg", [float("nan"), -0.1, 90.1])
def test_the_database_takes_no_impossible_one(campaign: Campaign, sigma_deg: float) -> None:
    with pytest.raises(DatabaseError), transaction.atomic():
        state(campaign, sigma_deg)
