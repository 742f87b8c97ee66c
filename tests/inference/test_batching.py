"""The batcher: what comes at one moment is answered by one run, in order, within its size; errors reach everybody."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from giz.inference.services.runtime import Batcher


def test_what_gathers_while_one_run_lasts_is_answered_by_the_next():
    runs, is_running, may_end = [], threading.Event(), threading.Event()

    def answer_all(items):
        runs.append(list(items))
        is_running.set()
        assert may_end.wait(10)
        return [item * item for item in items]

    batcher = Batcher(answer_all, most=100, gather_s=0.0)
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
    """All of them wait while the first run lasts, so the runs after it are as full as `most` allows."""
    runs, is_running, may_end = [], threading.Event(), threading.Event()

    def answer_all(items):
        runs.append(list(items))
        is_running.set()
        assert may_end.wait(10)
        return items

    batcher = Batcher(answer_all, most=10, gather_s=0.0)
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(batcher.ask, "first")]
        assert is_running.wait(10)
        for number, weight in enumerate([4, 4, 4, 4, 4, 50, 1]):
            futures.append(pool.submit(batcher.ask, number, weight=weight))
            while len(batcher._waiting) <= number:
                threading.Event().wait(0.001)
        may_end.set()
        assert [future.result(10) for future in futures] == ["first", 0, 1, 2, 3, 4, 5, 6]
    assert runs == [["first"], [0, 1], [2, 3], [4], [5], [6]]


@pytest.mark.finding("review 21")
def test_whoever_answers_for_others_leaves_with_its_own_answer():
    """Under steady load the first would else answer everybody who comes, and never get away."""
    is_running, others_wait, first_has_left = threading.Event(), threading.Event(), threading.Event()

    def answer_all(items):
        if "first" in items:
            is_running.set()
            assert others_wait.wait(30)
        else:
            assert first_has_left.wait(30), "the first still works for others"
        return items

    batcher = Batcher(answer_all, most=1, gather_s=0)
    answers = []

    def ask(item):
        answers.append(batcher.ask(item))
        if item == "first":
            first_has_left.set()

    threads = [threading.Thread(target=ask, args=(item,)) for item in ("first", "second", "third")]
    threads[0].start()
    assert is_running.wait(30)
    for thread in threads[1:]:
        thread.start()
    while len(batcher._waiting) < 2:
        threading.Event().wait(0.005)
    others_wait.set()
    for thread in threads:
        thread.join(60)
    assert sorted(answers) == ["first", "second", "third"]


def test_an_error_reaches_all_that_it_concerns_and_the_next_is_answered():
    def answer_all(items):
        if "bad" in items:
            raise ValueError("can't")
        return items

    batcher = Batcher(answer_all, most=10, gather_s=0.05)
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
    batcher = Batcher(lambda items: [item + 1 for item in items], most=7, gather_s=0.0)
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(batcher.ask, range(2000))) == list(range(1, 2001))
