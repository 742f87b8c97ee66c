"""Render a population in several processes, handed out in order: the same galaxies whatever their number.

A worker ends when its pipe does, so none outlives whoever started it, however that one died.
"""

from __future__ import annotations

import multiprocessing
import signal
import traceback
from collections.abc import Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from giz.synthetic.population import POPULATION_RULE, RenderedMember, render_member

CHUNK = 8
# Chunks a worker may be ahead of the one that is handed out next: bounds the memory.
AHEAD_PER_WORKER = 4


class RenderingError(RuntimeError):
    """A worker could not make a galaxy, or died."""


def render_population(
    population_seed: int, start: int, stop: int, *, size_px: int, workers: int, rule: str = POPULATION_RULE
) -> Iterator[RenderedMember]:
    """Yield members `start` … `stop` - 1 in order, made by `workers` processes.

    Raises
    ------
    RenderingError
        With the worker's own words, or the signal that ended it.
    """
    if workers < 1:
        raise ValueError(f"At least one worker is needed; got {workers}.")
    chunks = [range(first, min(first + CHUNK, stop)) for first in range(start, stop, CHUNK)]
    hands = [_Hand(population_seed, size_px, rule) for _ in range(min(workers, len(chunks)))]
    try:
        yield from _in_order(chunks, hands)
    finally:
        for hand in hands:
            hand.end()


def _in_order(chunks: list[range], hands: list[_Hand]) -> Iterator[RenderedMember]:
    made: dict[int, list[RenderedMember]] = {}
    given = 0
    for wanted in range(len(chunks)):
        while wanted not in made:
            for hand in hands:
                if hand.chunk is None and given < min(len(chunks), wanted + AHEAD_PER_WORKER * len(hands)):
                    hand.give(given, chunks[given])
                    given += 1
            busy = {hand.connection: hand for hand in hands if hand.chunk is not None}
            for connection in wait(list(busy)):
                number, members = busy[connection].take()  # type: ignore[index]  # only Connections are waited for
                made[number] = members
        yield from made.pop(wanted)


class _Hand:
    """One worker process and this end of its pipe."""

    def __init__(self, population_seed: int, size_px: int, rule: str) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.chunk: int | None = None
        self._process: SpawnProcess = context.Process(
            target=_serve, args=(theirs, population_seed, size_px, rule), daemon=True
        )
        self._process.start()
        theirs.close()

    def give(self, chunk: int, numbers: range) -> None:
        self.chunk = chunk
        try:
            self.connection.send(numbers)
        except OSError:
            raise self._died() from None

    def take(self) -> tuple[int, list[RenderedMember]]:
        """The chunk that this worker has finished."""
        chunk, self.chunk = self.chunk, None
        try:
            members: list[RenderedMember] | str = self.connection.recv()
        except (EOFError, OSError):
            raise self._died() from None
        if isinstance(members, str):
            raise RenderingError(members)
        if chunk is None:
            raise RenderingError("A worker answered without having been asked.")
        return chunk, members

    def _died(self) -> RenderingError:
        self._process.join(5)
        code = self._process.exitcode
        how = f"signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit status {code}"
        return RenderingError(f"A rendering process died ({how}); too little memory is the usual reason.")

    def end(self) -> None:
        self.connection.close()
        self._process.join(5)
        if self._process.is_alive():
            self._process.terminate()


def _serve(connection: Connection, population_seed: int, size_px: int, rule: str) -> None:
    """Make what is asked for until the pipe ends. Ctrl-C is for whoever reads the answers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            numbers: range = connection.recv()
        except (EOFError, OSError):
            return
        try:
            answer: list[RenderedMember] | str = [
                render_member(population_seed, number, size_px, rule=rule) for number in numbers
            ]
        except Exception:  # noqa: BLE001 - whatever it is, it is told to whoever asked
            answer = f"Galaxies {numbers.start} to {numbers.stop - 1} could not be made:\n{traceback.format_exc()}"
        try:
            connection.send(answer)
        except OSError:
            return
