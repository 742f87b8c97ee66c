"""The cache of what surveys sent: it never outgrows its size, and nobody loses a file that they read."""

import multiprocessing
import os
import signal
import time
from pathlib import Path

import pytest

from giz.surveys import cache as cache_module
from giz.surveys.cache import DiskCache, Limits
from giz.surveys.client import STRANGERS, Allowance, Client, Manners
from giz.surveys.guard import guard_for
from giz.surveys.survey import SurveyError

from .servers import LocalServer

pytestmark = pytest.mark.finding("review 4.3", "security S9")
MB = 1_000_000
LIMITS = Limits(most_bytes=10 * MB, public_bytes=3 * MB, least_free_bytes=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def put(cache: DiskCache, name: str, size: int = MB, used: float | None = None) -> Path:
    """Store an answer of this size; `used` says that it was last used so many seconds ago."""
    with cache.receiving() as place:
        place.write_bytes(name.encode().ljust(size, b"."))
        stored = cache.store(f"http://x/{name}", place)
    if used is not None:
        os.utime(stored, (time.time() - used,) * 2)
    return stored


def held(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("objects/??/*"))


def names(cache: DiskCache, count: int) -> list[int]:
    return [number for number in range(count) if cache.find(f"http://x/{number}")]


def test_it_never_outgrows_its_size_and_what_was_used_least_goes_first(folder):
    cache = DiskCache(folder, LIMITS)
    for number in range(9):
        put(cache, str(number), used=1000 - number)
    assert cache.find("http://x/0") is not None, "used again, so it is the newest now"
    for number in range(9, 30):
        put(cache, str(number), used=900 - number)
        assert held(folder) <= 10 * MB
    assert 0 in names(cache, 30)
    assert 29 in names(cache, 30)
    assert 1 not in names(cache, 30)
    entries = len(list(folder.glob("index/??/*.json")))
    assert entries == len(names(cache, 30)), "no entry leads nowhere"


def test_a_cache_of_before_that_is_too_large_is_cleared_and_not_forgotten(folder):
    large = DiskCache(folder, Limits(most_bytes=100 * MB))
    for number in range(20):
        put(large, str(number), used=1000 - number)
    (folder / "ledger.json").unlink()  # a version without one wrote it
    put(DiskCache(folder, LIMITS), "20")
    assert held(folder) <= 10 * MB
    assert names(large, 21)[-1] == 20
    assert len(names(large, 21)) >= 8


def test_many_tiny_answers_are_bounded_too(folder):
    cache = DiskCache(folder, Limits(most_bytes=20 * cache_module.LEAST_COST_BYTES, least_free_bytes=0))
    for number in range(60):
        put(cache, str(number), size=10)
    assert len(list(folder.glob("objects/??/*"))) <= 20
    assert len(list(folder.glob("index/??/*"))) <= 20


def test_strangers_have_a_small_part_and_push_nothing_of_others_out(folder):
    own, public = DiskCache(folder, LIMITS), DiskCache(folder, LIMITS, is_public=True)
    for number in range(5):
        put(own, str(number), used=5000)
    for number in range(5, 40):
        put(public, str(number), used=1000 - number)
    assert names(own, 40)[:5] == [0, 1, 2, 3, 4]
    assert 1 <= len(names(own, 40)[5:]) <= 3
    assert held(folder) <= 8 * MB


def test_what_somebody_reads_stays_and_strangers_are_refused_instead(folder):
    public = DiskCache(folder, LIMITS, is_public=True)
    with public.reading():
        mine = [put(public, str(number)) for number in range(3)]
        with pytest.raises(SurveyError) as refused:
            put(public, "3")
        assert refused.value.code == "cache_full"
        assert all(path.exists() for path in mine)
    put(public, "4")
    assert held(folder) <= 3 * MB
    assert not list(folder.glob(".*.part")), "what was refused is not left half received"


def test_the_sites_own_people_are_never_refused(folder):
    own = DiskCache(folder, LIMITS)
    with own.reading():
        mine = [put(own, str(number)) for number in range(12)]
        assert all(path.exists() for path in mine)
    put(own, "12")
    assert held(folder) <= 10 * MB


def _reads_and_is_killed(folder: Path, is_ready: str) -> None:
    cache = DiskCache(folder, LIMITS, is_public=True)
    with cache.reading(), cache.receiving() as half:
        for number in range(3):
            put(cache, str(number))
        half.write_bytes(b"half")
        Path(is_ready).write_text("now")
        time.sleep(600)


def test_a_reader_that_is_killed_holds_nothing(folder, tmp_path):
    ready = tmp_path / "ready"
    reader = multiprocessing.get_context("fork").Process(target=_reads_and_is_killed, args=(folder, str(ready)))
    reader.start()
    while not ready.exists():
        assert reader.is_alive()
        time.sleep(0.01)
    public = DiskCache(folder, LIMITS, is_public=True)
    with pytest.raises(SurveyError):
        put(public, "3")
    os.kill(reader.pid or 0, signal.SIGKILL)
    reader.join()
    for half in folder.glob(".*.part"):
        os.utime(half, (0, 0))
    put(public, "3")
    assert not list(folder.glob("readers/*"))
    assert not list(folder.glob(".*.part"))


def test_a_process_killed_while_it_stores_leaves_no_hole_in_the_books(folder, monkeypatch):
    cache = DiskCache(folder, LIMITS)
    for number in range(8):
        put(cache, str(number), used=1000 - number)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", lambda *_: os._exit(9))
        if (child := os.fork()) == 0:
            put(cache, "killed")
            os._exit(0)
        assert os.waitpid(child, 0)[1] != 0
    for number in range(8, 16):
        put(cache, str(number))
        assert held(folder) <= 10 * MB
    assert DiskCache(folder, LIMITS)._read_ledger().held_bytes <= 10 * MB


def _stores(folder: Path, worker: int) -> None:
    cache = DiskCache(folder, LIMITS)
    for number in range(40):
        with cache.reading():
            path = put(cache, f"{worker}-{number}")
            found = cache.find(f"http://x/{worker}-{number}")
            assert found == path
            assert path.read_bytes().startswith(f"{worker}-{number}".encode())
            other = cache.find(f"http://x/{(worker + 1) % 4}-{number}")
            assert other is None or other.stat().st_size == MB
    os._exit(0)


def test_four_processes_share_it_and_each_reads_what_it_stored(folder):
    workers = []
    for worker in range(4):
        if (child := os.fork()) == 0:
            try:
                _stores(folder, worker)
            finally:
                os._exit(1)
        workers.append(child)
    assert [os.waitpid(child, 0)[1] for child in workers] == [0] * 4
    put(DiskCache(folder, LIMITS), "last")
    assert held(folder) <= 10 * MB


def test_with_a_full_disk_nothing_is_kept_for_strangers(folder):
    limits = Limits(most_bytes=10 * MB, public_bytes=3 * MB, least_free_bytes=10**18)
    with pytest.raises(SurveyError) as refused:
        put(DiskCache(folder, limits, is_public=True), "1")
    assert refused.value.code == "cache_full"
    put(DiskCache(folder, limits), "2")


@pytest.fixture
def frames():
    """Answers every address with a megabyte of its own."""
    server = LocalServer(lambda path, _query: (200, {}, path.encode().ljust(MB, b".")))
    yield server
    server.close()


def client_of(frames, folder, allowance):
    return Client(
        guard_for([frames.url], [frames.host]),
        DiskCache(folder, LIMITS),
        Manners(interval_s=0.0),
        allowance=allowance,
    )


def test_one_request_of_a_stranger_brings_so_much_and_no_more(frames, folder):
    client = client_of(frames, folder, Allowance(frame_bytes=2 * MB, total_bytes=4.5 * MB))
    for number in range(3):
        client.get(f"{frames.url}/{number}", max_bytes=400 * MB)
    with pytest.raises(SurveyError) as refused:
        client.get(f"{frames.url}/3", max_bytes=400 * MB)
    assert refused.value.code in ("fetch_refused", "too_much_data")
    assert client.get(f"{frames.url}/1").stat().st_size == MB, "what is there already costs nothing"


def test_one_answer_of_a_stranger_is_no_larger_than_allowed(frames, folder):
    client = client_of(frames, folder, Allowance(frame_bytes=MB // 2))
    with pytest.raises(SurveyError) as refused:
        client.get(f"{frames.url}/0", max_bytes=400 * MB)
    assert refused.value.code == "fetch_refused"
    assert STRANGERS.frame_bytes < Allowance().frame_bytes
    assert STRANGERS.total_bytes < Allowance().total_bytes
