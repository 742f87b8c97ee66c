"""Many predictions at once: shard by shard, each a file of its own and rows in the database, then one Parquet file.

What is done is on the disk: a shard whose file is there is never asked again, whoever did it and whatever was killed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection, transaction

from giz.catalog.models import Galaxy
from giz.core.errors import Refused
from giz.inference.models import Prediction
from giz.inference.services.answers import Opinion, opinions
from giz.inference.services.bulk_inputs import Input, Subject
from giz.inference.services.predictions import prediction_row, predictions_store
from giz.inference.services.runtime import Network
from giz.inference.storage import Pixels
from giz.inference.view import View
from giz.labelset.files import whole_file
from giz.labelset.parquet import merge, write_rows
from giz.training.services.pictures import pictures_stack

if TYPE_CHECKING:
    import pyarrow as pa

SHARD_ROWS, BATCH = 512, 16
PLAN_KEY = b"giz_predict"
COLUMNS = (
    *(("row", "int64"), ("pgc", "int64"), ("inclination_deg", "float64"), ("sigma_deg", "float64")),
    *(("low_68_deg", "float64"), ("high_68_deg", "float64"), ("low_95_deg", "float64"), ("high_95_deg", "float64")),
    *(("rejection", "float64"), ("reason", "string"), ("bands", "string"), ("model", "string"), ("problem", "string")),
)
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Plan:
    """What is predicted, by which network, into which file; the digest stands in the file."""

    described: Mapping[str, Any]
    input_digest: str
    rows: int
    model_sha256: str
    out: Path

    @property
    def shards(self) -> int:
        return -(-self.rows // SHARD_ROWS)

    @property
    def digest(self) -> str:
        return hashlib.sha256(json.dumps([self.input_digest, self.rows, self.model_sha256]).encode()).hexdigest()

    @property
    def work(self) -> Path:
        """Where the shards lie until all of them are there."""
        return self.out.with_name(f".{self.out.name}.{self.digest[:12]}.shards")

    def shard_path(self, shard: int) -> Path:
        return self.work / f"shard-{shard:06d}.parquet"

    def schema(self) -> pa.Schema:
        import pyarrow as pa

        kinds = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string()}
        fields = [pa.field(name, kinds[kind]) for name, kind in COLUMNS]
        return pa.schema(fields, metadata={PLAN_KEY: self.digest.encode()})


def plan_of(*, described: Mapping[str, Any], source: Input, model_sha256: str, out: Path) -> Plan:
    """A plan, after what would fail at the end has been looked at.

    Raises
    ------
    Refused
        ``empty``: no rows. ``bad_path``, ``exists``: the file can't be written, or holds something else.
    """
    if not len(source):
        raise Refused("empty", "There is nothing to predict: the input has no rows.")
    plan = Plan(dict(described), source.digest, len(source), model_sha256, out)
    if out.suffix != ".parquet":
        raise Refused("bad_path", f"{out} should end with .parquet: that is what is written.")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise Refused("bad_path", f"{out.parent} is no folder that can be written to.")
    if out.exists() and not is_done(plan):
        raise Refused("exists", f"{out} exists already and holds something else. Choose another name, or remove it.")
    return plan


def is_done(plan: Plan) -> bool:
    """Whether the file is there and holds this plan's answers."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(plan.out).metadata or {}
    except (pa.ArrowException, OSError):
        return False
    return bool(metadata.get(PLAN_KEY) == plan.digest.encode())


def shards_predict(
    *, plan: Plan, source: Input, network: Network, shards: Sequence[int], on_progress: OnProgress
) -> dict[str, Any]:
    """Predict these shards, then join all of them if no other is missing. Returns counts and images a second."""
    if is_done(plan):
        on_progress(plan.rows, plan.rows, "done already")
        return {"rows": plan.rows, "predicted": 0, "unchanged": True}
    plan.work.mkdir(exist_ok=True)
    total = sum(_shard_rows(plan, shard) for shard in shards)
    done = predicted = 0
    begin = time.monotonic()
    for shard in shards:
        if not plan.shard_path(shard).exists():
            predicted += _shard(plan, source, network, shard)
        done += _shard_rows(plan, shard)
        speed = predicted / max(time.monotonic() - begin, 1e-9)
        on_progress(done, total, f"{speed:,.0f} images/s" if predicted else "resuming")
    seconds = time.monotonic() - begin
    joined = shards_join(plan)
    return {
        "rows": total,
        "predicted": predicted,
        "images_per_s": round(predicted / max(seconds, 1e-9), 1),
        "joined": joined,
        "unchanged": False,
    }


def shards_join(plan: Plan) -> bool:
    """Write the one file once every shard is there; False where some are missing. Two at once: one does it."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"predict {plan.out}"])
        if is_done(plan):
            return True
        parts = [plan.shard_path(shard) for shard in range(plan.shards)]
        if not all(part.exists() for part in parts):
            return False
        merge(parts, plan.out, plan.schema())
        shutil.rmtree(plan.work, ignore_errors=True)
        return True


def _shard_rows(plan: Plan, shard: int) -> int:
    return min(plan.rows, (shard + 1) * SHARD_ROWS) - shard * SHARD_ROWS


def _shard(plan: Plan, source: Input, network: Network, shard: int) -> int:
    """Predict one shard: rows into the database, then its file. Returns how many galaxies had a picture."""
    first = shard * SHARD_ROWS
    subjects = source.read(first, first + _shard_rows(plan, shard))
    # One run of the network a core, each on one thread: threads of one run would wait for each other.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        said = list(pool.map(lambda batch: _batch(network, batch), _batches(subjects)))
    rows = [row for batch_rows, _ in said for row in batch_rows]
    ids = dict(Galaxy.objects.filter(pgc__in={row.pgc for row in rows if row.pgc}).values_list("pgc", "pk"))
    for row in rows:
        row.galaxy_id = ids.get(row.pgc) if row.pgc else None
    predictions_store(rows)
    with whole_file(plan.shard_path(shard)) as out:
        write_rows(out, plan.schema(), [cells for _, batch_cells in said for cells in batch_cells])
    return len(rows)


def _batches(subjects: Iterator[Subject]) -> Iterator[list[Subject]]:
    while batch := list(islice(subjects, BATCH)):
        yield batch


def _batch(network: Network, batch: list[Subject]) -> tuple[list[Prediction], list[tuple[Any, ...]]]:
    """In a thread, without the database: rows to store, and cells of the file."""
    said = iter(ask_many(network, [subject.pictures for subject in batch if subject.pictures]))
    rows, cells = [], []
    for subject in batch:
        opinion = next(said) if subject.pictures else Opinion(None)
        cells.append(_cells(subject, opinion, network))
        if subject.pictures:
            rows.append(
                prediction_row(
                    network=network,
                    opinion=opinion,
                    seen=subject.pictures,
                    view=View().as_json(),
                    origin=Prediction.Origin.BULK,
                    galaxy_id=None,
                    pgc=subject.pgc,
                )
            )
    return rows, cells


def ask_many(network: Network, seen: Sequence[Mapping[str, Pixels]]) -> list[Opinion]:
    """All bands together; a network of one band sees the colour picture, else the first grey."""
    import numpy as np

    if not seen:
        return []
    if network.predictor.takes_all_bands:
        stacks = [pictures_stack(pictures, [list(pictures)]) for pictures in seen]
        pixels, present = (np.concatenate(parts) for parts in zip(*stacks, strict=True))
        return opinions(network.predictor.predict(pixels, present))
    answers = []
    for pictures in seen:
        band = next(band for band in ("gri", "r", "i", "g") if band in pictures)
        answers += opinions(network.predictor.predict(*pictures_stack(pictures, [[band]]), band))
    return answers


def _cells(subject: Subject, said: Opinion, network: Network) -> tuple[Any, ...]:
    low_68, high_68 = said.interval_68_deg or (None, None)
    low_95, high_95 = said.interval_95_deg or (None, None)
    return (
        *(subject.row, subject.pgc, said.inclination_deg, said.half_width_68_deg, low_68, high_68, low_95, high_95),
        *(said.rejection, said.reason or None, " ".join(subject.pictures), network.short, subject.problem or None),
    )
