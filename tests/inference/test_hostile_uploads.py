"""Uploads that are made to hurt: refused in words, whatever they do to the process that decodes them."""

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from django.db import connection
from django.test import Client

from giz.core.parsers import old_uploads_delete
from giz.imaging import decoder
from giz.imaging.errors import UnusableFileError
from giz.inference import requests
from giz.inference.requests import turns
from tests.hostile import BOMBS, bombs
from tests.hostile import fits_header as header_of
from tests.inference.sky import encoded, named, spiral, upload
from tests.memory import at_most

pytestmark = pytest.mark.django_db
GOOD = encoded(spiral()["gri"])


def fits_header(**cards):
    return header_of({"SIMPLE": True, **cards})


@pytest.mark.finding("security S1", "security S2", "security S3", "security S4", "abuse A10", "abuse A12")
@pytest.mark.django_db(transaction=True)
def test_bombs_that_come_eight_at_once_are_each_refused_and_a_picture_is_read_between_them():
    files = {**bombs(), "good": GOOD}

    def send(name):
        try:
            path = "file/" if name != "good" else "sources/"
            while True:
                answer = upload(Client(), path, file=named(files[name], "galaxy.fits"))
                # Where all turns are taken somebody is sent away for a moment, and comes again.
                if answer.status_code != 503 or answer.json()["code"] != "busy":
                    return answer
                turns.fill()
                time.sleep(0.1)
        finally:
            connection.close()

    names = [*BOMBS, "good"] * 2
    with at_most(150), ThreadPoolExecutor(8) as pool:
        answers = dict(zip(names, pool.map(send, names), strict=True))
    bad = {name: answer.status_code for name, answer in answers.items() if not 400 <= answer.status_code < 500}
    assert bad == {"good": 201}
    assert "decoder_failed" not in {answers[name].json()["code"] for name in BOMBS}


@pytest.fixture
def child(monkeypatch):
    """Have every upload do this in its decoding process."""

    def make(expression):
        decoder.decoder_stop()
        put = f"from giz.imaging import child; child.RUNNERS['upload'] = lambda *job: {expression}; main = child.main; "
        start = decoder._START.replace("from giz.imaging.child import main; ", put)
        monkeypatch.setattr(decoder, "_START", start)

    yield make
    monkeypatch.undo()
    decoder.decoder_stop()


@pytest.mark.finding("security S1", "security S4", "abuse A12")
@pytest.mark.parametrize(
    ("expression", "code"),
    [("__import__('os').abort()", "decoder_failed"), ("__import__('time').sleep(100)", "decoder_timeout")],
)
def test_a_decoder_that_dies_or_hangs_is_a_400_with_a_sentence(client, network, child, monkeypatch, expression, code):
    monkeypatch.setattr("giz.inference.requests.UPLOAD_SECONDS", 1.0)
    child(expression)
    for path in ("/api/v1/predict/sources/", "/api/v1/predict/file/", "/api/file"):
        answer = client.post(path, {"file": named(GOOD)})
        assert (answer.status_code, answer.json()["code"]) == (400, code)
        assert answer.json()["detail"]
    monkeypatch.undo()
    decoder.decoder_stop()
    assert upload(client, "sources/", file=named(GOOD)).status_code == 201


@pytest.mark.finding("security S7")
def test_more_files_than_can_be_read_are_sent_away_for_a_moment(client, network, child, monkeypatch):
    monkeypatch.setattr(decoder, "MOST_WAITING", 0)
    monkeypatch.setattr("giz.inference.requests.UPLOAD_SECONDS", 4.0)
    child("__import__('time').sleep(100)")
    with ThreadPoolExecutor(decoder.UPLOADS_AT_ONCE) as pool:
        busy = [
            pool.submit(decoder.upload_decode, GOOD, band=None, may_be_webp=False)
            for _ in range(decoder.UPLOADS_AT_ONCE)
        ]
        while decoder._DECODER._free[False].acquire(blocking=False):
            decoder._DECODER._free[False].release()
        answer = upload(client, "file/", file=named(GOOD))
        assert (answer.status_code, answer.json()["code"]) == (503, "busy")
        assert int(answer.headers["Retry-After"]) > 0
        for future in busy:
            assert isinstance(future.exception(), UnusableFileError)


@pytest.mark.finding("ux C22", "data 14")
def test_words_about_a_file_name_it_as_its_owner_does(client, network):
    cube = fits_header(BITPIX=-32, NAXIS=3, NAXIS1=40, NAXIS2=40, NAXIS3=3) + bytes(20160)
    said = upload(client, "file/", file=named(cube, "M 101 cube.fits")).json()["detail"]
    assert said.startswith("M 101 cube.fits: an image with 3 axes")
    hidden = upload(client, "file/", file=named(cube, "\x1b[31m\u202e" + "x" * 200 + ".fits")).json()["detail"]
    assert hidden.isprintable()
    assert len(hidden) < 200
    said = upload(client, "file/", file=named(b"%PDF-1.7 " + bytes(50), "x.pdf")).json()["detail"]
    assert all(form in said for form in ("PNG", "JPEG", "WebP", "FITS"))
    two = upload(client, "file/", file=[named(GOOD, "a_g.png"), named(GOOD, "b_g.png")]).json()
    assert two["code"] == "band_twice"
    assert "_gri" in two["detail"]


@pytest.mark.finding("ux C22")
def test_a_body_that_is_no_form_is_told_how_to_send_one(client, network):
    answer = client.post("/api/v1/predict/file/", GOOD, content_type="image/png")
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")
    assert "curl -F file=@" in answer.json()["detail"]


@pytest.mark.finding("security S19")
def test_a_large_upload_has_no_name_on_the_disk(client, network, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen = []
    real = requests.upload_decode

    def look(file, **options):
        seen.append([path.name for path in tmp_path.rglob("*") if "upload" in path.name or path.suffix == ".fits"])
        assert file.fileno() > 2, "it went to the disk"
        return real(file, **options)

    monkeypatch.setattr("giz.inference.requests.upload_decode", look)
    flux = np.random.default_rng(0).normal(5, 1, (1000, 1000)).astype(">f4")
    data = fits_header(BITPIX=-32, NAXIS=2, NAXIS1=1000, NAXIS2=1000) + flux.tobytes()
    answer = upload(client, file=named(data.ljust(-(-len(data) // 2880) * 2880, b"\0"), "galaxy.fits"))
    assert answer.status_code == 201, answer.content
    assert seen == [[]]


@pytest.mark.finding("security S19")
def test_what_earlier_versions_left_is_swept_and_nothing_else(tmp_path):
    for name in ("giz-upload-ab12_x9z", "giz-upload-mine", "other-upload-ab12_x9z"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "upload.fits").write_bytes(b"SIMPLE  =")
    (tmp_path / "giz-upload-ab12_x9y").mkdir()
    (tmp_path / "giz-upload-ab12_x9y" / "thesis.txt").write_text("not ours")
    assert old_uploads_delete(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "giz-upload-ab12_x9y",
        "giz-upload-mine",
        "other-upload-ab12_x9z",
    ]
    assert (tmp_path / "giz-upload-ab12_x9y" / "thesis.txt").exists()
