"""The networks of this process: loaded once, verified, kept in memory, replaced when another one is promoted."""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import structlog
from django.db import connection

from giz.core.errors import Refused
from giz.inference import selectors
from giz.training.models import ModelVersion

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from giz.training.nn.predictor import NetworkOutput, Predictor

log = structlog.get_logger("giz.inference")

# How often a process asks the database which networks are served: one small query, whatever the traffic.
CHECK_SECONDS = 5.0
EMPTY_SECONDS = 1.0
# One thread: the web process shares its cores with the requests of voters.
WEB_THREADS = 1
# Larger runs are no faster and need 2 MB a picture (tests.bench.bench_inference): two requests of five pictures each.
MOST_PICTURES_A_RUN = 10
RETRY_AFTER_S = 30
# How long a request waits for others to share its run of the network.
GATHER_S = 0.003

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A network in memory, and the row that describes it."""

    version: ModelVersion
    predictor: Predictor
    batcher: Batcher[tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]], NetworkOutput]

    @property
    def short(self) -> str:
        return self.version.sha256[:12]

    def ask(
        self, pictures: npt.NDArray[np.uint8], present: npt.NDArray[np.bool_], main_band: str = "gri"
    ) -> NetworkOutput:
        """Run the network as `Predictor.predict` does; simultaneous requests of several threads share one run."""
        if not self.predictor.takes_all_bands:
            return self.predictor.predict(pictures, present, main_band)
        return self.batcher.ask((pictures, present), weight=len(pictures))


class Runtime:
    """All networks that answer. One per process, shared by its threads."""

    def __init__(self, *, threads: int = WEB_THREADS) -> None:
        self._threads = threads
        self._lock = threading.Lock()
        self._networks: list[LoadedNetwork] = []
        self._wanted: tuple[str, ...] | None = None
        self._unreadable: set[str] = set()
        self._checked_at = float("-inf")

    def networks(self) -> list[LoadedNetwork]:
        """Return the networks that answer now, the served one first.

        Raises
        ------
        Refused
            503 ``no_model`` if none can be loaded.
        """
        if not self._networks:
            with self._lock:
                self._check()
        elif time.monotonic() - self._checked_at > CHECK_SECONDS and self._lock.acquire(blocking=False):
            # One thread checks; the others continue with the networks that are loaded.
            try:
                self._check()
            finally:
                self._lock.release()
        if not self._networks:
            raise Refused(
                "no_model",
                "This site has no trained network yet. Staff can train or register one.",
                status=503,
                retry_after=RETRY_AFTER_S,
            )
        return self._networks

    def warm(self) -> None:
        """Load the networks in a separate thread, so that the next request finds them ready."""
        if not self._networks:
            threading.Thread(target=self._warm, daemon=True, name="warm-networks").start()

    def forget(self) -> None:
        """Drop all networks; the next request loads them again."""
        with self._lock:
            self._networks, self._wanted, self._checked_at = [], None, float("-inf")

    def _warm(self) -> None:
        try:
            self.networks()
        except Exception as error:  # noqa: BLE001 - the next request raises it again; here it is only logged
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
        found: list[LoadedNetwork] = []
        for version in versions:
            network = kept.get(version.sha256) or self._load(version)
            if network is not None:
                found.append(network)
            elif not found:
                # Without the served network another one would answer in its name: keep the previous ones.
                return
        self._networks = found
        # Until all are loaded, every check tries the missing ones again: no restart is needed once a file is restored.
        self._wanted = wanted if len(found) == len(wanted) else None

    def _load(self, version: ModelVersion) -> LoadedNetwork | None:
        try:
            predictor = predictor_load(version, threads=self._threads)
        except Refused as error:
            if version.sha256 not in self._unreadable:  # it is tried again every few seconds
                log.error("network_not_loaded", network=str(version), reason=error.detail)
            self._unreadable.add(version.sha256)
            return None
        self._unreadable.discard(version.sha256)
        # Loading needs 12 MB more than the network itself; the C library returns them to the system if it can.
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
        log.info("network_loaded", network=str(version))
        return network_of(version, predictor)


def predictor_load(version: ModelVersion, *, threads: int) -> Predictor:
    """Load a registered network after verifying the checksum of its file.

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


def network_of(version: ModelVersion, predictor: Predictor) -> LoadedNetwork:
    """Return a loaded network that runs the requests of several threads together."""
    import numpy as np

    from giz.training.nn.predictor import NetworkOutput

    def run_all(
        requests: Sequence[tuple[npt.NDArray[np.uint8], npt.NDArray[np.bool_]]],
    ) -> list[NetworkOutput]:
        if len(requests) == 1:
            return [predictor.predict(*requests[0])]
        output = predictor.predict(
            np.concatenate([pictures for pictures, _ in requests]), np.concatenate([present for _, present in requests])
        )
        ends = np.cumsum([len(pictures) for pictures, _ in requests])[:-1]
        columns = [
            [None] * len(requests) if value is None else np.split(value, ends)
            for value in (output.inclination_deg, output.half_widths_deg, output.rejection, output.reasons)
        ]
        return [NetworkOutput(*parts) for parts in zip(*columns, strict=True)]

    return LoadedNetwork(version, predictor, Batcher(run_all, most=MOST_PICTURES_A_RUN))


@dataclass(eq=False)
class _Waiting(Generic[Item]):
    item: Item
    weight: int
    wakes: threading.Event = field(default_factory=threading.Event)
    is_done: bool = False
    result: Any = None
    error: BaseException | None = None


class Batcher(Generic[Item, Result]):
    """Processes the items of several threads together, at most `most` weight per run, in the order of arrival.

    It has no thread of its own: the first caller waits a few milliseconds for others and runs the whole batch. The next
    ones gather during that run, and one of them runs the next batch, so that no caller works for others once it has its
    own result.
    """

    def __init__(
        self, run_all: Callable[[Sequence[Item]], Sequence[Result]], *, most: int, gather_s: float = GATHER_S
    ) -> None:
        self._run_all = run_all
        self._most = most
        self._gather_s = gather_s
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[Item]] = []
        self._is_led = False

    def ask(self, item: Item, *, weight: int = 1) -> Result:
        """Return the result for this item, computed together with simultaneous ones. Raises what the run raises."""
        mine = _Waiting(item, weight)
        with self._lock:
            self._waiting.append(mine)
            leads = not self._is_led
            self._is_led = True
        if leads:
            threading.Event().wait(self._gather_s)
        else:
            mine.wakes.wait()
        if not mine.is_done:
            self._run(self._take())
            with self._lock:  # the first in the queue runs the next batch; if there is none, the next caller does
                self._is_led = bool(self._waiting)
                if self._waiting:
                    self._waiting[0].wakes.set()
        if mine.error is not None:
            raise mine.error
        result: Result = mine.result
        return result

    def _take(self) -> list[_Waiting[Item]]:
        """Take the next batch from the front of the queue, which begins with the caller's own item."""
        with self._lock:
            taken, weight = 0, 0
            for waiting in self._waiting:
                if taken and weight + waiting.weight > self._most:
                    break
                taken, weight = taken + 1, weight + waiting.weight
            batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
            return batch

    def _run(self, batch: Sequence[_Waiting[Item]]) -> None:
        try:
            results = self._run_all([waiting.item for waiting in batch])
            for waiting, result in zip(batch, results, strict=True):
                waiting.result = result
        except BaseException as error:  # noqa: BLE001 - every waiting caller must be woken with it
            for waiting in batch:
                waiting.error = error
        for waiting in batch:
            waiting.is_done = True
            waiting.wakes.set()


runtime = Runtime()
