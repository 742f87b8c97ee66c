"""The batcher: what comes at one moment is answered by one run, in order, within its size; errors reach everybody."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from giz.inference.batching import Batcher


def test_what_gathers_while_one_run_lasts_is_answered_by_the_next():
    runs, is_running, may_end = [], threading.Event(), threading.Event()

    def answer_all(items):
        runs.append(list(items))
        is_running.set()
        assert may_end.wait(10)
        return [item * item for item in items]

    batcher = Batcher(answer_all, most=100, patience_s=0.0)
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(batcher.ask, 1)
        assert is_running.wait(10)
        others = [pool.submit(batcher.ask, number) for number in range(2, 10)]
        while len(batcher._waiting) < 8:
            threading.Event().wait(0.005)
        may_end.set()
        assert first.result(10) == 1
        assert [future.result(10) for future in others] == [number * number for number in range(2, 10)]
    assert runs[0] == [1]
    assert sorted(runs[1]) == list(range(2, 10))
    assert len(runs) == 2


def test_a_run_is_no_larger_than_said_but_takes_what_alone_is_larger():
    runs = []

    def answer_all(items):
        runs.append(list(items))
        return items

    batcher = Batcher(answer_all, most=10, patience_s=0.2)
    with ThreadPoolExecutor(6) as pool:
        futures = [pool.submit(batcher.ask, number, weight=4) for number in range(5)]
        futures.append(pool.submit(batcher.ask, 99, weight=50))
        assert sorted(future.result(10) for future in futures) == [0, 1, 2, 3, 4, 99]
    assert max(len(run) for run in runs) <= 2


def test_an_error_reaches_all_that_it_concerns_and_the_next_is_answered():
    def answer_all(items):
        if "bad" in items:
            raise ValueError("can't")
        return items

    batcher = Batcher(answer_all, most=10, patience_s=0.05)
    with ThreadPoolExecutor(3) as pool:
        futures = [pool.submit(batcher.ask, item) for item in ("bad", "good", "good")]
        outcomes = []
        for future in futures:
            try:
                outcomes.append(future.result(10))
            except ValueError:
                outcomes.append("refused")
    assert outcomes[0] == "refused"
    with pytest.raises(ValueError, match="can't"):
        batcher.ask("bad")
    assert batcher.ask("good") == "good"


def test_many_threads_lose_nothing():
    batcher = Batcher(lambda items: [item + 1 for item in items], most=7, patience_s=0.0)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(batcher.ask, range(2000))) == list(range(1, 2001))
