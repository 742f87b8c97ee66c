"""What bulk predictions answer: the same as the page, and a sentence for each row that names no galaxy."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from giz.core.jobs import run_job
from giz.inference.jobs import predict_jobs
from giz.inference.services import bulk
from giz.labelset.parquet import merge
from labeling.demo.build import store
from labeling.demo.plan import target_recipes
from labeling.demo.render import render
from tests.inference.sky import encoded, galaxy_with_pictures, register, spiral, upload

pytestmark = pytest.mark.django_db(transaction=True)
SHIPPED = Path(bulk.__file__).parents[2] / "training" / "shipped" / "ours.onnx"
CASES = Path(__file__).parents[3] / "shared" / "cases" / "data"


def answered(tmp_path: Path, name: str = "answers", **described: str) -> list[dict[str, Any]]:
    out = tmp_path / f"{name}.parquet"
    (job,) = predict_jobs(described=described, out=out)
    run_job(job)
    return pq.read_table(out).to_pylist()


def of_column(tmp_path: Path, column: Any) -> list[dict[str, Any]]:
    table = tmp_path / "numbers.parquet"
    pq.write_table(pa.table({"pgc": column}), table)
    return answered(tmp_path, table=str(table))


@pytest.mark.finding("flow F12", "ux C19")
def test_page_and_bulk_answer_the_same_of_galaxies_of_the_demo(client, db, tmp_path, settings):
    register(SHIPPED)
    recipes = target_recipes(1, 12)
    for recipe in recipes:
        store(render(recipe, size_px=256, media=settings.MEDIA_ROOT), {"sky_seed": 1, "size_px": 256})
    rows = of_column(tmp_path, [recipe.pgc for recipe in recipes])
    for recipe, row in zip(recipes, rows, strict=True):
        said = client.get(f"/api/v1/predict/pgc/{recipe.pgc}/").json()
        assert row["inclination_deg"] == pytest.approx(said["inclination_deg"], abs=0.05)
        assert row["sigma_deg"] == pytest.approx(said["sigma_deg"], abs=0.05)
        assert row["rejection"] == pytest.approx(said["rejection"]["probability"], abs=0.002)
        by_name = client.get(f"/api/v1/predict/name/{recipe.name}/").json()
        assert by_name["inclination_deg"] == said["inclination_deg"]
    # The galaxy's own pictures as files, the largest ones, are the same galaxy.
    first = client.get(f"/api/v1/predict/pgc/{recipes[0].pgc}/").json()
    files = {}
    for band, url in first["pictures"].items():
        served = client.get(url)
        files[band] = upload_of(b"".join(served.streaming_content) if served.streaming else served.content, band)
    sent = upload(client, "file/", **files).json()
    assert sent["inclination_deg"] == pytest.approx(first["inclination_deg"], abs=0.05)


def upload_of(data: bytes, band: str) -> Any:
    from tests.inference.sky import named

    return named(data, f"galaxy_{band}.webp", "image/webp")


GOOD, UNKNOWN = 4258, "no picture in the catalogue"


@pytest.mark.finding("data 8")
@pytest.mark.parametrize(
    ("column", "read"),
    [
        (pa.array([4258, 2**63 + 5, 2**64 - 1, 77, 0], pa.uint64()), [4258, None, None, 77, None]),
        (pa.array([4258, -4258, 0, None]), [4258, None, None, None]),
        (
            pa.array([4258.0, 4258.9, 1.5, -3.0, 0.0, float("nan"), float("inf"), 1e20, 1e300, None]),
            [4258, *[None] * 9],
        ),
        (pa.array([4258.0, 16_777_217.0], pa.float32()), [4258, None]),
        (pa.array(np.array([1000.0, 4258.0], np.float16)), [1000, None]),
        (
            pa.array(
                ["4258", "PGC 4258", "pgc4258", " 4258 ", "4258.0", "004258", "4258.5", "-4258", "NGC 1", "", "1e3"]
            ),
            [*[4258] * 6, *[None] * 5],
        ),
        (pa.array(["4258", "x"]).dictionary_encode(), [4258, None]),
        (pa.array([True, False]), [None, None]),
        (pa.array([b"4258"], pa.binary()), [None]),
        (pa.array([[4258]]), [None]),
        (pa.array([Decimal("4258.00"), Decimal("4258.50")]), [4258, None]),
        (pa.array(["99999999999999999999999999"]), [None]),
    ],
    ids=[
        "uint64",
        "int64",
        "double",
        "float",
        "half",
        "text",
        "dictionary",
        "bool",
        "bytes",
        "list",
        "decimal",
        "long",
    ],
)
def test_each_cell_is_read_as_an_import_would_or_its_row_says_why(network, tmp_path, column, read):
    galaxy_with_pictures(GOOD)
    rows = of_column(tmp_path, column)
    assert [row["pgc"] for row in rows] == read
    for row, number in zip(rows, read, strict=True):
        if number == GOOD:
            assert (row["problem"], row["bands"]) == (None, "g r i gri")
            assert row["inclination_deg"] is not None
        else:
            assert row["problem"] == UNKNOWN if number else "PGC" in row["problem"] or "pgc is" in row["problem"]
            assert row["inclination_deg"] is None


@pytest.mark.finding("data 8")
def test_the_tables_that_were_found(network, tmp_path):
    if not CASES.is_dir():
        pytest.skip("the cases (../shared/cases) are not beside this repository")
    galaxy_with_pictures(90_000_014)
    for name, good in (("17-predict-huge-pgc", [0]), ("17-predict-odd-pgc", [0]), ("17-predict-text-pgc", [0])):
        rows = answered(tmp_path, name, table=str(CASES / f"{name}.parquet"))
        assert [row["row"] for row in rows if row["inclination_deg"] is not None] == good
        assert all(row["problem"] for row in rows if row["inclination_deg"] is None)
        assert 1 not in [row["pgc"] for row in rows]


@pytest.mark.finding("data 8")
def test_pictures_beside_a_number_that_is_none_are_measured_and_the_row_says_so(network, tmp_path):
    made, table = encoded(spiral(70)["r"]), tmp_path / "held.parquet"
    cells = pa.array([4258.9, 12.0, float("nan"), 1e20])
    pq.write_table(pa.table({"pgc": cells, "r": pa.array([made] * 4, pa.binary())}), table)
    rows = answered(tmp_path, table=str(table))
    assert [row["pgc"] for row in rows] == [None, 12, None, None]
    assert [bool(row["problem"]) for row in rows] == [True, False, False, True]
    assert all(row["inclination_deg"] is not None for row in rows)


@pytest.mark.finding("review 25")
def test_no_transaction_is_open_while_shards_are_joined(network, tmp_path, monkeypatch):
    galaxy_with_pictures(GOOD)
    seen = []

    def joined(*arguments):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            seen.append((connection.in_atomic_block, cursor.fetchone()[0]))
        return merge(*arguments)

    monkeypatch.setattr(bulk, "merge", joined)
    with CaptureQueriesContext(connection):
        rows = of_column(tmp_path, [GOOD])
    assert seen == [(False, 0)]
    assert rows[0]["inclination_deg"] is not None
    assert not list(tmp_path.glob(".*.shards"))
