"""Predict many galaxies: shard by shard, each a file and rows in the database, then all joined into one Parquet file.

A shard whose file exists is never computed again, whichever job wrote it and whatever was killed since.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from giz.catalog.formats.identifiers import GALAXY_IDS
from giz.catalog.models import Galaxy
from giz.catalog.selectors import rows_identified
from giz.core.errors import Refused
from giz.inference.models import Prediction
from giz.inference.services.bulk_inputs import Input, InputRow
from giz.inference.services.predictions import PredictedValues, predict_many, prediction_row, predictions_store
from giz.inference.services.runtime import LoadedNetwork
from giz.labelset.files import whole_file
from giz.labelset.parquet import merge, write_rows
from giz.training.nn.real_error import COMMON_NAME

if TYPE_CHECKING:
    import pyarrow as pa

SHARD_ROWS, BATCH = 512, 16
PLAN_KEY = b"giz_predict"
COLUMNS = (
    *(("row", "int64"), ("pgc", "int64"), ("inclination_deg", "float64"), ("sigma_deg", "float64")),
    *(("low_68_deg", "float64"), ("high_68_deg", "float64"), ("low_95_deg", "float64"), ("high_95_deg", "float64")),
    *(("rejection", "float64"), ("reason", "string"), ("bands", "string"), ("model", "string"), ("problem", "string")),
    *(("sigma_common_deg", "float64"), ("rejection_prior", "float64"), (GALAXY_IDS, "string")),
)
_PGC_PLACE = [name for name, _ in COLUMNS].index("pgc")
OnProgress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Plan:
    """The input, the network and the output file of a bulk prediction; the file stores the digest of all three.

    prior : the share of rejections that the campaign states, if the input is a campaign that states one.
    """

    described: Mapping[str, Any]
    input_digest: str
    rows: int
    model_sha256: str
    out: Path
    prior: float | None = None

    @property
    def shards(self) -> int:
        return -(-self.rows // SHARD_ROWS)

    @property
    def digest(self) -> str:
        # Without a prior as before, so that files of earlier versions are recognised.
        parts = [self.input_digest, self.rows, self.model_sha256, *([] if self.prior is None else [self.prior])]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()

    @property
    def work(self) -> Path:
        """The folder of the shards until all of them exist."""
        return self.out.with_name(f".{self.out.name}.{self.digest[:12]}.shards")

    def shard_path(self, shard: int) -> Path:
        return self.work / f"shard-{shard:06d}.parquet"

    def schema(self) -> pa.Schema:
        import pyarrow as pa

        kinds = {"int64": pa.int64(), "float64": pa.float64(), "string": pa.string()}
        fields = [pa.field(name, kinds[kind]) for name, kind in COLUMNS]
        return pa.schema(fields, metadata={PLAN_KEY: self.digest.encode()})


def plan_of(
    *, described: Mapping[str, Any], source: Input, model_sha256: str, out: Path, prior: float | None = None
) -> Plan:
    """Return a plan after checking everything that would fail at the end.

    Raises
    ------
    Refused
        ``empty``: no rows. ``bad_path``, ``exists``: the file can't be written, or has other content.
    """
    if not len(source):
        raise Refused("empty", "There is nothing to predict: the input has no rows.")
    plan = Plan(dict(described), source.digest, len(source), model_sha256, out, prior)
    if out.suffix != ".parquet":
        raise Refused("bad_path", f"{out} must end with .parquet, the format that is written.")
    if not out.parent.is_dir() or not os.access(out.parent, os.W_OK):
        raise Refused("bad_path", f"{out.parent} is not a writable folder.")
    if out.exists() and not is_done(plan):
        raise Refused("exists", f"{out} already exists and contains something else. Choose another name, or remove it.")
    return plan


def is_done(plan: Plan) -> bool:
    """Return whether the file exists and contains the predictions of this plan."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(plan.out).metadata or {}
    except (pa.ArrowException, OSError):
        return False
    return bool(metadata.get(PLAN_KEY) == plan.digest.encode())


def shards_predict(
    *, plan: Plan, source: Input, network: LoadedNetwork, shards: Sequence[int], on_progress: OnProgress
) -> dict[str, Any]:
    """Predict these shards, then join all shards if none is missing. Return counts and images per second."""
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
    """Join the shards into the output file; return False if some are missing. Safe if several jobs call it at once.

    It must run outside a transaction: joining takes minutes, and databases end connections that idle in one.
    """
    try:
        with (plan.work / "join.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if is_done(plan):
                return True
            parts = [plan.shard_path(shard) for shard in range(plan.shards)]
            if not all(part.exists() for part in parts):
                return False
            merge(parts, plan.out, plan.schema())
            shutil.rmtree(plan.work, ignore_errors=True)
            return True
    except FileNotFoundError:  # another job has joined them and removed the folder
        if is_done(plan):
            return True
        raise


def _shard_rows(plan: Plan, shard: int) -> int:
    return min(plan.rows, (shard + 1) * SHARD_ROWS) - shard * SHARD_ROWS


def _shard(plan: Plan, source: Input, network: LoadedNetwork, shard: int) -> int:
    """Predict one shard: store its rows, then write its file. Return how many galaxies had a picture."""
    first = shard * SHARD_ROWS
    inputs = source.read(first, first + _shard_rows(plan, shard))
    # One single-threaded run of the network per core: the threads of a common run would wait for each other.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        batches = iter(lambda: list(islice(inputs, BATCH)), [])
        predicted = list(pool.map(lambda batch: _batch(network, batch, plan.prior), batches))
    rows = [row for batch_rows, _ in predicted for row in batch_rows]
    cells = [one for _, batch_cells in predicted for one in batch_cells]
    ids = dict(Galaxy.objects.filter(pgc__in={one[_PGC_PLACE] for one in cells}).values_list("pgc", "pk"))
    for row in rows:
        row.galaxy_id = ids.get(row.pgc) if row.pgc else None
    predictions_store(rows)
    with whole_file(plan.shard_path(shard)) as out:
        write_rows(out, plan.schema(), list(rows_identified(cells, lambda one: ids.get(one[_PGC_PLACE]))))
    return len(rows)


def _batch(
    network: LoadedNetwork, batch: list[InputRow], prior: float | None
) -> tuple[list[Prediction], list[tuple[Any, ...]]]:
    """Return rows to store and cells of the file. Runs in a thread, without the database.

    Rows are stored as the network predicts; only the file knows the campaign.
    """
    predicted = iter(predict_many(network, [one.pictures for one in batch if one.pictures]))
    rows, cells = [], []
    for one in batch:
        values = next(predicted) if one.pictures else PredictedValues(None)
        cells.append(_cells(one, values.in_campaign(prior), network, prior))
        if one.pictures:
            rows.append(
                prediction_row(
                    network=network,
                    values=values,
                    shown=one.pictures,
                    origin=Prediction.Origin.BULK,
                    galaxy_id=None,
                    pgc=one.pgc,
                )
            )
    return rows, cells


def _cells(one: InputRow, values: PredictedValues, network: LoadedNetwork, prior: float | None) -> tuple[Any, ...]:
    """Return the cells of one row in the order of `COLUMNS`, without the identifiers."""
    low_68, high_68 = values.interval_68_deg or (None, None)
    low_95, high_95 = values.interval_95_deg or (None, None)
    return (
        *(one.row, one.pgc, values.inclination_deg, values.half_width_68_deg, low_68, high_68, low_95, high_95),
        *(values.rejection, values.reason or None, " ".join(one.pictures), network.short, one.problem or None),
        None if values.inclination_deg is None else network.version.card.get(COMMON_NAME),
        None if values.rejection is None else prior,
    )
