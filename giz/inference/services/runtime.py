"""The networks of this process: loaded once, checked, kept warm, exchanged when another one is served."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from django.db import connection

from giz.core.errors import Refused
from giz.inference import selectors
from giz.inference.batching import Batcher
from giz.training.models import ModelVersion

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from giz.training.nn.predictor import Prediction, Predictor

log = structlog.get_logger("giz.inference")

# So often a process asks the database which networks are served: one small query, whatever the traffic.
CHECK_SECONDS = 5.0
EMPTY_SECONDS = 1.0
# One thread: the web process shares its cores with people who vote.
WEB_THREADS = 1
# A larger run answers no faster and holds 2 MB a picture (tests.bench.bench_inference): two requests of five views.
MOST_PICTURES_A_RUN = 10
RETRY_AFTER_S = 30


@dataclass(frozen=True, eq=False)
class Network:
    """A loaded network and the row that it came from."""

    version: ModelVersion
    predictor: Predictor
    batcher: Batcher[tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]], Prediction]

    @property
    def short(self) -> str:
        return self.version.sha256[:12]

    def ask(
        self, pictures: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_], main_band: str = "gri"
    ) -> Prediction:
        """As `Predictor.predict`; what several threads ask at one moment is one run of the network."""
        if not self.predictor.takes_all_bands:
            return self.predictor.predict(pictures, present, main_band)
        return self.batcher.ask((pictures, present), weight=len(pictures))


class Runtime:
    """All networks that answer. One a process; threads share it."""

    def __init__(self, *, threads: int = WEB_THREADS) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._networks: list[Network] = []
        self._wanted: tuple[str, ...] | None = None
        self._unreadable: set[str] = set()
        self._checked_at = float("-inf")

    def networks(self) -> list[Network]:
        """The networks that answer now, the served one first.

        Raises
        ------
        Refused
            503 ``no_model`` where there is none that can be read.
        """
        if not self._networks:
            with self._lock:
                self._check()
        elif time.monotonic() - self._checked_at > CHECK_SECONDS and self._lock.acquire(blocking=False):
            # One thread looks; the others go on with what there is.
            try:
                self._check()
            finally:
                self._lock.release()
        if not self._networks:
            raise Refused(
                "no_model",
                "No trained network answers here yet. Staff can train or register one.",
                status=503,
                retry_after=RETRY_AFTER_S,
            )
        return self._networks

    def warm(self) -> None:
        """Load in a thread of its own, so that the next question finds the networks ready."""
        if not self._networks:
            threading.Thread(target=self._warm, daemon=True, name="warm-networks").start()

    def forget(self) -> None:
        """Let go of everything; the next question loads anew."""
        with self._lock:
            self._networks, self._wanted, self._checked_at = [], None, float("-inf")

    def _warm(self) -> None:
        try:
            self.networks()
        except Exception as error:  # noqa: BLE001 - whoever asks next hears of it; here it is only noted
            log.info("networks_not_warm", reason=str(error))
        finally:
            connection.close()

    def _check(self) -> None:
        patience_s = CHECK_SECONDS if self._networks else EMPTY_SECONDS
        if time.monotonic() - self._checked_at <= patience_s:
            return
        versions = selectors.models_now()
        wanted = tuple(version.sha256 for version in versions)
        self._checked_at = time.monotonic()
        if wanted == self._wanted and self._networks:
            return
        kept = {network.version.sha256: network for network in self._networks}
        found: list[Network] = []
        for version in versions:
            network = kept.get(version.sha256) or self._load(version)
            if network is not None:
                found.append(network)
            elif not found:
                # Another one in the served one's place would answer in its name: those of before go on.
                return
        self._networks = found
        # Until all are here, each check tries again what could not be read; whoever puts a file back need not restart.
        self._wanted = wanted if len(found) == len(wanted) else None

    def _load(self, version: ModelVersion) -> Network | None:
        try:
            predictor = predictor_load(version, threads=self._threads)
        except Refused as error:
            if version.sha256 not in self._unreadable:  # it is tried again every few seconds
                log.error("network_not_loaded", network=str(version), reason=error.detail)
            self._unreadable.add(version.sha256)
            return None
        self._unreadable.discard(version.sha256)
        _give_memory_back()
        log.info("network_loaded", network=str(version))
        return network_of(version, predictor)


def _give_memory_back() -> None:
    """What loading needed and nobody needs any more (12 MB) goes back to the system, where the C library can do so."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def network_of(version: ModelVersion, predictor: Predictor) -> Network:
    import numpy as np

    from giz.training.nn.predictor import Prediction

    def answer_all(
        asked: Sequence[tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]],
    ) -> list[Prediction]:
        if len(asked) == 1:
            return [predictor.predict(*asked[0])]
        said = predictor.predict(
            np.concatenate([pictures for pictures, _ in asked]), np.concatenate([present for _, present in asked])
        )
        ends = np.cumsum([len(pictures) for pictures, _ in asked])[:-1]
        columns = [
            [None] * len(asked) if value is None else np.split(value, ends)
            for value in (said.inclination_deg, said.half_widths_deg, said.rejection, said.reasons)
        ]
        return [Prediction(*parts) for parts in zip(*columns, strict=True)]

    return Network(version, predictor, Batcher(answer_all, most=MOST_PICTURES_A_RUN))


def predictor_load(version: ModelVersion, *, threads: int) -> Predictor:
    """Load a registered network after its bytes have shown the checksum that was written down.

    Raises
    ------
    Refused
        ``model_missing``, ``model_changed``, ``bad_model``.
    """
    from giz.training.nn.predictor import Predictor
    from giz.training.services.runs import refusals
    from giz.training.storage import model_path

    with refusals():
        return Predictor(model_path(version), threads=threads)


runtime = Runtime()
