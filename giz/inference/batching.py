"""Requests of several threads that come at one moment are answered by one run of the network. Pure."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

Item = TypeVar("Item")
Answer = TypeVar("Answer")
PATIENCE_S = 0.003


@dataclass(eq=False)
class _Waiting(Generic[Item]):
    item: Item
    weight: int
    is_done: threading.Event = field(default_factory=threading.Event)
    answer: Any = None
    error: BaseException | None = None


class Batcher(Generic[Item, Answer]):
    """Gathers items and has them answered together, at most `most` weight at a time, in the order in which they came.

    There is no thread behind it: the first that comes waits a few milliseconds for others, answers for all, and goes
    on until nobody waits. While it computes, the next ones gather.
    """

    def __init__(
        self, answer_all: Callable[[Sequence[Item]], Sequence[Answer]], *, most: int, patience_s: float = PATIENCE_S
    ) -> None:
        self._answer_all = answer_all
        self._most = most
        self._patience_s = patience_s
        self._lock = threading.Lock()
        self._waiting: list[_Waiting[Item]] = []
        self._is_led = False

    def ask(self, item: Item, *, weight: int = 1) -> Answer:
        """Answer this item, together with what others ask at the same moment. Raises what the answering raised."""
        mine = _Waiting(item, weight)
        with self._lock:
            self._waiting.append(mine)
            leads = not self._is_led
            self._is_led = True
        if leads:
            threading.Event().wait(self._patience_s)
            self._lead()
        mine.is_done.wait()
        if mine.error is not None:
            raise mine.error
        answer: Answer = mine.answer
        return answer

    def _lead(self) -> None:
        while batch := self._take():
            try:
                answers = self._answer_all([waiting.item for waiting in batch])
                for waiting, answer in zip(batch, answers, strict=True):
                    waiting.answer = answer
            except BaseException as error:  # noqa: BLE001 - everybody who waits must hear of it, or waits for ever
                for waiting in batch:
                    waiting.error = error
            for waiting in batch:
                waiting.is_done.set()

    def _take(self) -> list[_Waiting[Item]]:
        """What is answered next; with nothing left, the next that comes leads."""
        with self._lock:
            taken, weight = 0, 0
            for waiting in self._waiting:
                if taken and weight + waiting.weight > self._most:
                    break
                taken, weight = taken + 1, weight + waiting.weight
            batch, self._waiting = self._waiting[:taken], self._waiting[taken:]
            self._is_led = bool(batch)
            return batch
