"""Rendering in several processes: the same galaxies in the same order; a worker that dies is told."""

import os
import signal

import numpy as np
import pytest

from giz.synthetic.population import render_member
from giz.synthetic.workers import RenderingError, render_population


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_workers_gives_the_same_galaxies_in_order(workers: int) -> None:
    made = list(render_population(5, 10, 50, size_px=64, workers=workers))
    assert [one.member.number for one in made] == list(range(10, 50))
    alone = render_member(5, 33, 64)
    np.testing.assert_array_equal(made[23].pictures["r"], alone.pictures["r"])
    assert made[23].parameters == alone.parameters


def test_nothing_to_do_is_nothing() -> None:
    assert list(render_population(5, 10, 10, size_px=64, workers=2)) == []


def test_what_a_worker_can_not_make_is_told_in_its_words() -> None:
    with pytest.raises(RenderingError, match="size_px must be from 64 to 1024; got 8"):
        list(render_population(5, 0, 4, size_px=8, workers=1))


def test_a_worker_that_is_killed_is_told_with_the_signal() -> None:
    rendering = render_population(5, 0, 4000, size_px=64, workers=1)
    next(rendering)
    children = _children()
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(RenderingError, match=r"died .*SIGKILL"):
        list(rendering)


def _children() -> list[int]:
    import multiprocessing

    return [child.pid for child in multiprocessing.active_children() if child.pid]
