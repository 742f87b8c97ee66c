"""Exports of galaxies with identifiers: every table carries them, and what is read back is the same galaxy."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse
from astropy.table import Table
from django.core.management import call_command

from giz.catalog.formats.identifiers import Identifier
from giz.catalog.models import Galaxy, GalaxyIdentifier
from giz.labelset import LabelSet, sides_of
from labeling.models import Campaign, Target, Vote
from labeling.services.campaigns import campaign_create
from labeling.services.consensus import consensus_refresh
from labeling.services.exports import labels_export
from labeling.services.labelsets import labels_as_of, labelset_freeze, labelset_root
from tests.labeling.sky import make_campaign, make_volunteer
from tests.labeling.test_consensus import judge

pytestmark = pytest.mark.django_db(transaction=True)

LEGACY, WALLABY, DESI = "ls-dr10:9011-123456-789", "wallaby:J104059-270456", "desi:39627646021829283"
OWN = Identifier("ls-dr10", "9011-123456-789").number


def name_galaxy(galaxy: Galaxy, *names: str) -> None:
    for name in names:
        scheme, value = name.split(":")
        GalaxyIdentifier.objects.create(galaxy=galaxy, scheme=scheme, value=value)


@pytest.fixture
def campaign(settings: Any, tmp_path: Path) -> Campaign:
    """Three galaxies: one without a PGC number, one with a PGC number and an identifier, one with its number alone."""
    settings.GIZ_HOME = tmp_path / "home"
    campaign = make_campaign(targets=3)
    first, second, _third = (target.galaxy for target in Target.objects.order_by("id").select_related("galaxy"))
    Galaxy.objects.filter(pk=first.pk).update(pgc=OWN)
    name_galaxy(first, LEGACY, WALLABY)
    name_galaxy(second, DESI)
    for number in range(3):
        for _target in range(3):
            judge(make_volunteer(number) if _target == 0 else Vote.objects.latest("id").volunteer, 60.5)
    consensus_refresh(campaign=campaign)
    return campaign


def wanted() -> dict[int, str]:
    texts = {OWN: f"{LEGACY} {WALLABY}", GalaxyIdentifier.objects.get(scheme="desi").galaxy.pgc: DESI}
    judged = Galaxy.objects.filter(targets__isnull=False).values_list("pgc", flat=True)
    return {number: texts.get(number, "") for number in judged}


def named(rows: Any) -> dict[int, str]:
    """Identifiers by number, from the rows of any table."""

    def text(cell: Any) -> str:
        return "" if cell is np.ma.masked or cell is None or cell != cell else str(cell).strip()

    return {int(row["pgc"]): text(row["galaxy_ids"]) for row in rows}


def forget() -> None:
    """Have this site know none of the galaxies: they have other numbers, and no identifiers."""
    for place, galaxy in enumerate(Galaxy.objects.filter(targets__isnull=False)):
        Galaxy.objects.filter(pk=galaxy.pk).update(pgc=600_000 + place)
    GalaxyIdentifier.objects.all().delete()


def test_every_table_of_labels_carries_all_identifiers(campaign: Campaign, tmp_path: Path) -> None:
    def export(name: str) -> Path:
        path = tmp_path / name
        assert labels_export(campaign=campaign, format_name=name, path=path)["columns"][-1] == "galaxy_ids"
        return path

    tables = {
        "csv": pd.read_csv(export("csv")).to_dict("records"),
        "json": json.loads(export("json").read_text()),
        "parquet": pq.read_table(export("parquet")).to_pylist(),
        "fits": Table.read(export("fits"), format="fits"),
        "votable": parse(export("votable"), verify="exception").get_first_table().to_table(),
    }
    for name, table in tables.items():
        assert named(table) == wanted(), name


def test_votes_carry_them_and_are_read_back_as_votes_on_the_same_galaxies(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "votes.csv"
    call_command("export_votes", campaign="sky", format_name="csv", out=str(path), shown=True)
    with path.open(newline="", encoding="utf-8") as handle:
        rows = list(csv.DictReader(handle))
    assert list(rows[0])[-1] == "galaxy_ids"
    assert named(rows) == wanted()
    # A site that knows this galaxy by one of its names, under a PGC number, and none of the others.
    forget()
    name_galaxy(Galaxy.objects.create(pgc=77), WALLABY)
    campaign_create(name="copy", standard_set=campaign.standard_set, overlap=3)
    call_command("import_votes", str(path), campaign="copy", source="sky")
    judged = dict(Target.objects.filter(campaign__name="copy").values_list("galaxy__pgc", "votes__inclination_deg"))
    assert len(judged) == 3
    assert judged[77] == 60.5
    names = {str(name): name.galaxy.pgc for name in GalaxyIdentifier.objects.select_related("galaxy")}
    assert names[WALLABY] == names[LEGACY] == 77
    assert names[DESI] in judged


def test_an_exported_table_of_labels_is_a_table_of_galaxies(campaign: Campaign, tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    labels_export(campaign=campaign, format_name="csv", path=path)
    expected = wanted()
    forget()
    call_command("import_galaxies", str(path))
    names = {str(name): name.galaxy.pgc for name in GalaxyIdentifier.objects.select_related("galaxy")}
    assert names == {LEGACY: OWN, WALLABY: OWN, DESI: next(n for n, text in expected.items() if text == DESI)}
    assert set(expected) <= set(Galaxy.objects.values_list("pgc", flat=True))


def test_a_label_set_names_galaxies_without_pgc_and_is_as_ever_without_them(campaign: Campaign) -> None:
    def freeze(estimator: str) -> LabelSet:
        as_of = labels_as_of(campaign, estimator)
        row = labelset_freeze(campaign=campaign, as_of=as_of, estimator=estimator, size_px=None)
        return LabelSet.open(labelset_root() / row.name)

    frozen = freeze("median")
    place = frozen.pgc.tolist().index(OWN)
    assert frozen.column("galaxy_ids")[place] == f"{LEGACY} {WALLABY}"
    assert frozen.column("split")[place] == sides_of(OWN).split
    Galaxy.objects.filter(pgc=OWN).update(pgc=600_000)
    columns = [column.name for column in freeze("robust").columns]
    assert "verdict" in columns
    assert "galaxy_ids" not in columns
