"""The database of an older version is migrated whole: its votes give the labels that they gave there.

``b245ba9/`` holds what that version wrote: the database of a small demo sky that simulated people judged (``pg_dump
--inserts``, the staff password replaced), and the exports of its labels.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psycopg
import pytest
from django.conf import settings

from giz.embedded.layout import DATABASE_RUNTIME_USER
from giz.embedded.roles import grant_runtime
from tests.browser.site import Site

OLD = Path(__file__).parent / "b245ba9"


@pytest.fixture(scope="module")
def upgraded(tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings: None) -> Iterator[Site]:
    """A site on the old database, migrated by its owner as at every start."""
    site = Site(tmp_path_factory.mktemp("upgrade"), settings.DATABASES["default"], "template0")
    owner = site.environment["DATABASE_OWNER_URL"]
    with psycopg.connect(owner) as connection:
        connection.execute(gzip.decompress((OLD / "database.sql.gz").read_bytes()))
    site.manage("migrate")
    with psycopg.connect(owner) as connection:
        grant_runtime(connection, DATABASE_RUNTIME_USER, owner=settings.DATABASES["default"]["USER"])
    yield site
    site.close()


@pytest.mark.parametrize("form", ["csv", "json", "edd"])
def test_labels_of_an_older_version_are_exported_byte_for_byte(upgraded: Site, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"labels.{form}"
    upgraded.manage("export_labels", "--campaign", "demo", "--format", form, "--out", str(out))
    assert _without_new_columns(out.read_text(encoding="utf-8"), form) == (OLD / out.name).read_text(encoding="utf-8")


def _without_new_columns(text: str, form: str) -> str:
    """Take out the columns that tables have had since, empty here: no common-mode error, no other identifiers."""
    if form == "csv":
        header, rest = text.split("\n", 1)
        return header.removesuffix(",sigma_common_deg,galaxy_ids") + "\n" + rest.replace(",,\n", "\n")
    return text.replace(', "sigma_common_deg": null, "galaxy_ids": null}', "}")


def test_votes_of_an_older_version_give_the_same_labels_when_recomputed(upgraded: Site, tmp_path: Path) -> None:
    """Medians are equal; the robust fit begins from the old one and ends within a fraction of its tolerance."""
    upgraded.manage("aggregate", "--campaign", "demo")
    out = tmp_path / "labels.csv"
    upgraded.manage("export_labels", "--campaign", "demo", "--format", "csv", "--out", str(out))
    before, after = pd.read_csv(OLD / out.name), pd.read_csv(out).drop(columns=["sigma_common_deg", "galaxy_ids"])
    robust = ["robust_deg", "robust_sigma_deg"]
    pd.testing.assert_frame_equal(after.drop(columns=robust), before.drop(columns=robust), check_exact=True)
    pd.testing.assert_frame_equal(after[robust], before[robust], rtol=0, atol=0.01)


def test_the_exported_votes_of_an_older_version_are_whole(upgraded: Site, tmp_path: Path) -> None:
    out = tmp_path / "votes.csv"
    upgraded.manage("export_votes", "--campaign", "demo", "--format", "csv", "--out", str(out))
    assert len(out.read_text().splitlines()) == 37
