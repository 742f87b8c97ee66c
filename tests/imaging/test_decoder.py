"""Files from outside are decoded in processes of their own: what one may do to such a process ends with it."""

import io
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from giz.imaging import decoder
from giz.imaging.errors import DecoderBusyError, FitsError, PictureError, UnusableFileError
from giz.imaging.grid import SkyGrid
from giz.imaging.upload import square_of_upload
from tests.bench.fuzz_decoders import fuzz
from tests.conftest import shared_folder
from tests.hostile import BOMBS, SKY, bombs_of_coordinates, fits, tiles
from tests.inference.sky import encoded, spiral
from tests.memory import at_most

from .frames import blob, camera, write

GRID = (150.0, 2.0, 100, 0.5, 90.0)
PATIENCE_S = 60.0
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="the measures are those of Linux")


def read(data, *, name="galaxy.fits", seconds=PATIENCE_S, **options):
    # Other tests may keep both cores busy: how long a file may take is looked at where that is the question.
    return decoder.upload_decode(data, **{"band": None, "may_be_webp": False} | options, name=name, seconds=seconds)


@pytest.fixture
def child(monkeypatch):
    """Let the decoding processes run this expression of (file, scratch, job) in place of reading an upload."""
    started = decoder._START

    def make(expression, before=""):
        decoder.decoder_stop()
        put = f"from giz.imaging import child; {before}"
        put += f"child.RUNNERS['upload'] = lambda file, scratch, job: {expression}; main = child.main; "
        monkeypatch.setattr(decoder, "_START", started.replace("from giz.imaging.child import main; ", put))

    yield make
    decoder.decoder_stop()
    monkeypatch.undo()


GOOD = encoded(spiral()["gri"])


def test_a_file_comes_back_as_it_is_decoded_here():
    wcs = camera((120, 160))
    for data in (GOOD, encoded(spiral()["r"], "JPEG"), fits(side=80), fits(side=80, **dict(wcs.to_header()))):
        band, pixels = read(data)
        expected_band, expected = square_of_upload(io.BytesIO(data), band=None, may_be_webp=False, name="")
        assert band == expected_band
        np.testing.assert_array_equal(pixels, expected)


def test_a_file_on_the_disk_goes_as_it_is(tmp_path):
    path = tmp_path / "upload"
    path.write_bytes(GOOD)
    with path.open("rb") as file:
        file.read(10)
        assert read(file)[0] == "gri"


@pytest.mark.finding(
    "security S1", "security S2", "security S3", "security S4", "security S7", "abuse A10", "abuse A12"
)
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_and_costs_this_process_nothing(name):
    bomb = BOMBS[name]()
    with at_most(40), pytest.raises(UnusableFileError) as caught:
        read(bomb)
    # From what the file says of itself: no process had to die of it.
    assert caught.value.code in {*PictureError.codes, *FitsError.codes}
    assert read(GOOD)[0] == "gri"


@pytest.mark.finding("security S1", "security S2", "abuse A12")
@pytest.mark.parametrize("name", bombs_of_coordinates())
def test_a_survey_can_not_send_such_coordinates_either(name, tmp_path):
    path = tmp_path / "frame.fits"
    path.write_bytes(bombs_of_coordinates()[name])
    with pytest.raises(FitsError) as caught:
        decoder.frame_decode(path, GRID, has_own_unit=False)
    assert caught.value.code == "bad_fits"


@pytest.mark.finding("security S3", "abuse A12")
@linux_only
def test_tiles_of_a_survey_unpack_within_the_memory_of_their_process(tmp_path):
    path = tmp_path / "frame.fits"
    path.write_bytes(tiles(900_000_000))
    with at_most(40), pytest.raises(UnusableFileError) as caught:
        decoder.frame_decode(path, (10.0, 10.0, 64, 0.36, 90.0), has_own_unit=False)
    assert caught.value.code in ("fits_too_large", "image_too_large")


def test_a_frame_is_brought_onto_the_grid_as_here(tmp_path):
    from giz.imaging.fits import open_frame
    from giz.imaging.resample import resample

    wcs = camera((120, 160))
    path = write(tmp_path / "plain.fits", blob(wcs, (120, 160)), wcs, BUNIT="nanomaggy", EXPTIME=30.0)
    got = decoder.frame_decode(path, GRID, has_own_unit=False)
    with open_frame(path) as frame:
        expected = resample(frame, SkyGrid(*GRID))
    np.testing.assert_array_equal(got.flux, expected.flux)
    assert (got.first_row, got.first_column) == (expected.first_row, expected.first_column)
    assert (got.nmgy_per_unit, got.exptime) == (1.0, 30.0)
    far = (10.0, 2.0, 100, 0.5, 90.0)
    assert decoder.frame_decode(path, far, has_own_unit=True).flux is None


CRASHES = {
    "a write out of bounds": "__import__('ctypes').memset(0, 1, 8)",
    "an abort": "__import__('os').abort()",
    "an exit": "__import__('os')._exit(3)",
    "a recursion": "(lambda f: f(f))(lambda f: f(f))",
    "an error that nobody knows": "1 / 0",
}


@pytest.mark.finding("security S1", "security S4", "abuse A12")
@pytest.mark.parametrize("expression", CRASHES.values(), ids=CRASHES)
def test_a_crash_is_a_refusal_and_the_next_file_is_read(expression, child):
    child(f"{expression} if job['name'] == 'bad' else child._upload(file, scratch, job)")
    for _ in range(2):
        with pytest.raises(UnusableFileError) as caught:
            read(GOOD, name="bad")
        assert caught.value.code == "decoder_failed"
        assert caught.value.detail
        assert read(GOOD)[0] == "gri"


@pytest.mark.finding("security S2", "security S4")
@pytest.mark.parametrize(
    "expression", ["__import__('time').sleep(100)", "[0 for _ in iter(int, 1)]"], ids=["asleep", "busy"]
)
def test_what_takes_too_long_is_ended_and_refused(expression, child):
    child(f"{expression} if job['name'] == 'bad' else child._upload(file, scratch, job)")
    with pytest.raises(UnusableFileError) as caught:
        read(GOOD, name="bad", seconds=1.0)
    assert caught.value.code == "decoder_timeout"
    assert read(GOOD)[0] == "gri"


@pytest.mark.finding("security S3", "security S7", "abuse A10")
@linux_only
def test_what_needs_too_much_memory_is_refused(child):
    child("bytearray(500_000_000) if job['name'] == 'bad' else child._upload(file, scratch, job)")
    with at_most(40), pytest.raises(PictureError) as caught:
        read(GOOD, name="bad")
    assert caught.value.code == "image_too_large"
    assert read(GOOD)[0] == "gri"


DEEDS = {
    "a socket": "__import__('socket').socket()",
    "a program": "__import__('os').execv(__import__('sys').executable, ['python'])",
    "a process": "__import__('os').fork()",
    "a signal to the parent": "__import__('os').kill(__import__('os').getppid(), 0)",
    "a file to write": "open('/tmp/giz-was-here', 'w')",
    "a file to read": "open('/etc/passwd').read()",
    "what the parent knows": "open(f'/proc/{__import__(\"os\").getppid()}/environ').read()",
    "more memory": "__import__('resource').setrlimit(__import__('resource').RLIMIT_AS, (-1, -1))",
}


@pytest.mark.finding("security S1")
@linux_only
@pytest.mark.parametrize("deed", DEEDS.values(), ids=DEEDS)
def test_a_process_that_is_taken_over_has_nothing_to_take(deed, child):
    child(f"({deed}, ({{'band': 'r'}}, __import__('numpy').zeros((40, 40), 'u1')))[1]")
    with pytest.raises((OSError, UnusableFileError)):
        read(GOOD)


def test_nothing_of_our_environment_reaches_it(child, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "canary")
    child("({'band': 'r'}, __import__('numpy').full((40, 40), len(__import__('os').environ), 'u1'))")
    assert read(GOOD)[1].max() <= len(decoder._ENVIRONMENT) + 1


LIES = {
    "noise": "b'garbage' * 100",
    "a pickle": "__import__('pickle').dumps({'band': 'r'})",
    "an array that is none": "child.ANSWER.pack(b'd', 2, 0) + b'{}'",
    "more bytes than its shape": """child.ANSWER.pack(b'd', 34, 9) + b'{"shape": [2, 2]}'.ljust(34) + bytes(9)""",
    "four gigabytes": "child.ANSWER.pack(b'd', 2, 2**32 - 1) + b'{}'",
    "a long object": "child.ANSWER.pack(b'd', 2**31, 0)",
    "a list": "child.ANSWER.pack(b'd', 2, 0) + b'[]'",
    "half of an object": "child.ANSWER.pack(b'd', 9, 0) + b'{\"band\": '",
    "a code of its own": "child.ANSWER.pack(b'r', 16, 0) + b'{\"code\": \"canary\"}'[:16]",
    "nothing": "b''",
}


@pytest.mark.parametrize("answer", LIES.values(), ids=LIES)
def test_an_answer_that_lies_is_a_refusal(answer, child):
    child("0", before=f"child._answer = lambda answers, *rest: answers.sendall({answer}); ")
    with pytest.raises(UnusableFileError) as caught:
        read(GOOD)
    assert caught.value.code == "decoder_failed"


def test_a_forked_process_starts_its_own(child):
    assert read(GOOD)[0] == "gri"
    mine = decoder._DECODER._process.pid
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            good = read(GOOD)[0] == "gri" and decoder._DECODER._process.pid != mine
            decoder.decoder_stop()
            code = 0 if good else 2
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert decoder._DECODER._process.pid == mine
    assert read(GOOD)[0] == "gri"


def test_a_waiting_process_that_died_is_started_anew():
    read(GOOD)
    os.kill(decoder._DECODER._process.pid, signal.SIGKILL)
    assert read(GOOD)[0] == "gri"


@linux_only
def test_the_processes_end_with_ours():
    root = Path(decoder.__file__).parents[2]
    program = (
        "import sys, time; from giz.imaging import decoder\n"
        "decoder.decoder_warm(); print(decoder._DECODER._process.pid, flush=True); time.sleep(100)"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True) as process:
        waiting = int(process.stdout.readline())
        process.kill()
    until = time.monotonic() + PATIENCE_S
    while Path(f"/proc/{waiting}/stat").exists() and " Z " not in Path(f"/proc/{waiting}/stat").read_text():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_queue_has_an_end(child, monkeypatch):
    child("__import__('time').sleep(100)")
    monkeypatch.setattr(decoder, "MOST_WAITING", 1)
    outcomes = []

    def ask():
        try:
            read(GOOD, seconds=3.0)
        except (UnusableFileError, DecoderBusyError) as error:
            outcomes.append(getattr(error, "code", "busy"))

    threads = [threading.Thread(target=ask) for _ in range(decoder.UPLOADS_AT_ONCE + 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert sorted(outcomes) == ["busy", "busy", *["decoder_timeout"] * (decoder.UPLOADS_AT_ONCE + 1)]


def test_sky_coordinates_of_an_upload_are_not_looked_at():
    # A projection that nobody knows and a matrix without an inverse: no matter, the pixels need neither.
    odd = {**SKY, "CTYPE1": "RA---XYZ", "CTYPE2": "DEC--XYZ", "CD1_1": 0.0, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": 0.0}
    assert read(fits(**odd))[0] == "r"


@pytest.mark.finding("security S1", "security S2", "security S3", "security S4", "abuse A10", "abuse A12")
def test_damaged_files_of_every_format_end_in_pixels_or_a_known_refusal():
    folder = shared_folder() / "cases" / "data"
    # Memory is that of this process, with whatever tests ran before in it; the command looks at its own.
    outcome = fuzz(10.0, folder=folder if folder.is_dir() else None, seed=1, most_mb=1e9)
    assert outcome.broken == []
    assert sum(outcome.counts.values()) > 20
    assert {ended.partition(" ")[2] for ended in outcome.counts} & {"bad_fits", "bad_picture"}
    assert read(GOOD)[0] == "gri"


@linux_only
def test_the_time_of_the_decoding_process_is_counted_for_the_thread_that_asked(child):
    child("(time.sleep(0.3), {'band': 'r'}, np.ones((8, 8), np.uint8))[1:]", "import numpy as np; import time;")
    idle = decoder.decoding_seconds()
    read(GOOD)
    assert decoder.decoding_seconds() - idle < 0.2
    child("(sum(range(20_000_000)), {'band': 'r'}, np.ones((8, 8), np.uint8))[1:]", "import numpy as np;")
    before = decoder.decoding_seconds()
    read(GOOD)
    assert decoder.decoding_seconds() - before > 0.05
    child("time.sleep(60)", "import time;")
    before = decoder.decoding_seconds()
    with pytest.raises(UnusableFileError):
        read(GOOD, seconds=1.0)
    # One that had to be killed says nothing.
    assert decoder.decoding_seconds() - before > 0.5
    others: list[float] = []
    thread = threading.Thread(target=lambda: others.append(decoder.decoding_seconds()))
    thread.start()
    thread.join()
    assert others == [0.0]
