"""What strangers may try on the prediction API (HARDENING A1, A3, A5, A8 to A12, A16, A29, L-limits): clear answers."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import struct
import uuid
import zlib
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.utils import timezone
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from giz.inference import api
from giz.inference.models import Prediction, Source
from giz.inference.services.sources import sources_sweep
from giz.inference.tasks import sweep_sources
from tests.inference.sky import ask, encoded, galaxy_with_pictures, named, spiral, upload
from tests.memory import at_most

pytestmark = pytest.mark.django_db
PREFIX = "/api/v1/predict/"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def png_of(width, height, *, bits=1, chunks=b""):
    """A PNG whose header states this size; the pixels are as many as fit into a few bytes."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, 0, 0, 0, 0))
    return SIGNATURE + header + chunks + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")


def text_bomb():
    body = b"Comment\0\0" + zlib.compress(bytes(64_000_000), 9)
    kind = b"zTXt"
    bomb = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    good = encoded(spiral(size_px=64)["r"])
    return good[:33] + bomb + good[33:]


def fits_header(**cards):
    lines = [f"{name:<8}= {value:>20}" for name, value in {"SIMPLE": "T", **cards}.items()]
    return "".join(line.ljust(80) for line in [*lines, "END"]).ljust(2880).encode()


def image_of(form):
    out = io.BytesIO()
    Image.fromarray(spiral(size_px=64)["gri"]).save(out, form)
    return out.getvalue()


def gif_of(frames):
    out = io.BytesIO()
    pictures = [Image.new("P", (64, 64), number % 200) for number in range(frames)]
    pictures[0].save(out, "GIF", save_all=True, append_images=pictures[1:])
    return out.getvalue()


def fits_of(flux, **cards):
    """Shorts of 1 under these cards, or the pixels as they are; the cards are written by hand, astropy would obey."""
    data = flux.astype(">i2" if cards else ">f4").tobytes()
    ny, nx = flux.shape
    return fits_header(BITPIX=16 if cards else -32, NAXIS=2, NAXIS1=nx, NAXIS2=ny, **cards) + data.ljust(20160, b"\0")


FITS_SIZE = {"BITPIX": -32, "NAXIS": 2, "NAXIS1": 10**6, "NAXIS2": 10**6}
BAD_FILES = [
    ("bomb of pixels", png_of(26_000, 26_000), 413, "image_too_large"),
    ("bomb below Pillow's own limit", png_of(13_000, 13_000), 413, "image_too_large"),
    ("padding bomb", png_of(40_000, 1), 400, "bad_aspect"),
    ("bomb of text", text_bomb(), 413, "image_too_large"),
    ("tiny", encoded(np.zeros((8, 8), np.uint8)), 400, "image_too_small"),
    ("cut off", encoded(spiral()["r"])[:-2000], 400, "bad_picture"),
    ("GIF of 400 frames", gif_of(400), 415, "unsupported_type"),
    ("TIFF", image_of("TIFF"), 415, "unsupported_type"),
    ("ICO", image_of("ICO"), 415, "unsupported_type"),
    ("PSD", b"8BPS\0\1" + bytes(100), 415, "unsupported_type"),
    ("JP2", b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100), 415, "unsupported_type"),
    ("EPS", b"%!PS-Adobe-3.0 EPSF-3.0\n", 415, "unsupported_type"),
    ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", 415, "unsupported_type"),
    ("WebP that calls itself PNG", image_of("WEBP"), 415, "unsupported_type"),
    ("HTML", b"<html><script>alert(1)</script>", 415, "unsupported_type"),
    ("nothing", b"", 415, "unsupported_type"),
    ("FITS of a terapixel", fits_header(**FITS_SIZE), 400, "bad_fits"),
    ("FITS with a lie about bits", fits_header(BITPIX=17, NAXIS=2, NAXIS1=100, NAXIS2=100), 400, "bad_fits"),
    ("FITS without data", fits_header(BITPIX=-32, NAXIS=2, NAXIS1=100, NAXIS2=100), 400, "bad_fits"),
    ("FITS without a number", fits_of(np.full((64, 64), np.nan)), 400, "bad_fits"),
    ("FITS of infinities", fits_of(np.full((64, 64), -np.inf)), 400, "bad_fits"),
    ("FITS with a huge BSCALE", fits_of(np.ones((64, 64)), BSCALE=1e38), 400, "bad_fits"),
    ("FITS with a huge BZERO", fits_of(np.ones((64, 64)), BZERO=-1e300), 400, "bad_fits"),
    ("packed FITS", gzip.compress(fits_header(**FITS_SIZE)), 400, "bad_fits"),
    ("archive", b"PK\x03\x04" + bytes(100), 400, "bad_fits"),
    ("pickle", pickle.dumps({"weights": [1.0]}), 415, "unsupported_type"),
    ("array of numpy", b"\x93NUMPY\x01\0" + bytes(100), 415, "unsupported_type"),
    ("ONNX", b"\x08\x08\x12\x07pytorch" + bytes(100), 415, "unsupported_type"),
    ("black", encoded(np.zeros((64, 64), np.uint8)), 400, "blank_picture"),
    ("even FITS", fits_of(np.full((64, 64), 5.0)), 400, "blank_picture"),
]


@pytest.mark.finding("abuse A7", "abuse A9", "abuse A10", "abuse A11", "abuse A12", "abuse A20")
@pytest.mark.parametrize(("data", "status", "code"), [bad[1:] for bad in BAD_FILES], ids=[bad[0] for bad in BAD_FILES])
def test_a_bad_file_is_refused_by_its_content_everywhere_and_leaves_nothing(client, network, data, status, code):
    with at_most(100):
        for path in ("sources/", "file/"):
            answer = upload(client, path, file=named(data, "galaxy.png", "image/png"))
            assert (answer.status_code, answer.json()["code"]) == (status, code)
            assert answer.headers["Content-Type"] == "application/json"
            assert str(django_settings.GIZ_HOME) not in answer.content.decode()
    assert not Source.objects.exists()
    assert not Prediction.objects.exists()
    assert not (Path(django_settings.GIZ_HOME) / "predict").exists()


@pytest.mark.finding("abuse A8")
def test_a_polyglot_is_written_anew_and_served_as_a_picture_that_can_do_nothing(client, network):
    script = b"<script>alert(document.cookie)</script>"
    comment = PngInfo()
    comment.add_text("Comment", script.decode())
    polyglot = encoded(spiral()["gri"], pnginfo=comment) + script
    answer = upload(client, file=named(polyglot, "galaxy.html", "text/html"))
    assert answer.status_code == 201
    body = answer.json()
    served = client.get(body["pictures"]["gri"])
    data = b"".join(served.streaming_content)
    assert script not in data
    assert served.headers["Content-Type"] == "image/png"
    assert served.headers["X-Content-Type-Options"] == "nosniff"
    assert served.headers["Content-Disposition"] == "inline"
    assert "default-src 'none'" in served.headers["Content-Security-Policy"]
    assert "private" in served.headers["Cache-Control"]


@pytest.mark.finding("abuse A5")
@pytest.mark.parametrize(
    "name",
    [
        "../../../giz/settings.py",
        "..\\..\\x.png",
        "a\0.png",
        "x" * 4000,
        ".htaccess",
        "CON.png",
        "a\r\nX-Y: 1.png",
        "‮gnp",
    ],
)
def test_a_file_name_is_never_used(client, network, caplog, name):
    answer = upload(client, file=named(encoded(spiral()["r"]), name))
    assert answer.status_code in (201, 400), answer.content
    assert answer.status_code == 201 or answer.json()["code"] == "bad_form"
    if answer.status_code == 201:
        source = answer.json()["id"]
        files = [
            path for path in Path(django_settings.GIZ_HOME).rglob("*") if path.is_file() and "predict" in path.parts
        ]
        assert [path.name for path in files] == ["r.png"]
        assert files[0].parent.name == source
        kept = json.dumps(list(Source.objects.values()), default=str) + caplog.text
        assert name[:30] not in kept.replace(source, "")


def test_a_request_holds_what_is_asked_for_and_no_more(client, network):
    picture = encoded(spiral()["r"])
    assert upload(client).json()["code"] == "no_file"
    assert upload(client, file="text").json()["code"] == "no_file"
    assert upload(client, photo=named(picture)).json()["code"] == "unknown_field"
    assert upload(client, file=named(picture), pgc="4").json()["code"] == "unknown_field"
    twice = upload(client, file=[named(picture, "a_g.png"), named(picture, "b_g.png")])
    assert twice.json()["code"] == "band_twice"
    five = upload(client, file=[named(picture, f"{band}.png") for band in "grig"] + [named(picture, "gri.png")])
    assert five.json()["code"] == "too_many_files"
    answer = client.post("/api/v1/predict/sources/?debug=1", {"pgc": 1}, content_type="application/json")
    assert answer.json()["code"] == "unknown_filter"
    assert not Source.objects.exists()


def test_a_body_that_is_too_large_is_refused_before_it_is_read(client, network):
    for path in ("/api/v1/predict/sources/", "/api/v1/predict/file/", "/api/file"):
        answer = client.post(path, b"x", content_type="multipart/form-data; boundary=x", CONTENT_LENGTH="65000000")
        assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
    answer = ask(client, "sources/", {"name": "x" * 1_100_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.finding("abuse A3", "abuse A29")
@pytest.mark.parametrize(
    "body",
    [
        {"pgc": 0}, {"pgc": -4}, {"pgc": 2**63}, {"pgc": True}, {"pgc": "4"}, {"pgc": 4.5}, {"pgc": None}, {},
        {"pgc": 4, "name": "M31"}, {"ra_deg": 10, "dec_deg": 10}, {"pgc": 4, "is_staff": True},
        {"ra_deg": 360, "dec_deg": 0, "size_arcmin": 1}, {"ra_deg": 1, "dec_deg": 91, "size_arcmin": 1},
        {"ra_deg": 1, "dec_deg": 1, "size_arcmin": 0}, {"ra_deg": 1, "dec_deg": 1, "size_arcmin": 1e308},
        {"ra_deg": "1&width=99999", "dec_deg": 1, "size_arcmin": 1}, {"ra_deg": True, "dec_deg": 1, "size_arcmin": 1},
        {"name": ""}, {"name": "M31&of=xml"}, {"name": "M31#"}, {"name": "a\r\nX: y"}, {"name": "x" * 81},
        {"name": 5e300}, [], "M31", 4, None,
    ],
)  # fmt: skip
def test_a_wish_that_is_none_is_refused_and_nobody_is_asked(client, network, body):
    answer = client.post("/api/v1/predict/sources/", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400, answer.content
    assert set(answer.json()) <= {"code", "detail", "fields"}
    assert not Source.objects.exists()


@pytest.mark.parametrize(
    "text",
    [
        *('{"zoom": NaN}', '{"zoom": Infinity}', '{"angle_deg": 1e999}', '{"shift": [NaN, 0]}', '{"shift": ["1", 0]}'),
        *(
            '{"zoom": 0}',
            '{"zoom": 9}',
            '{"zoom": true}',
            '{"angle_deg": "30"}',
            '{"angle_deg": 1e308}',
            '{"zoom": null}',
        ),
        *('{"shift": [true, 0]}', '{"shift": [0]}', '{"shift": [0, 0, 0]}', '{"shift": [2, 0]}', '{"shift": {"0": 1}}'),
        *('{"is_inverted": 1}', '{"is_inverted": "yes"}', '{"blur": 1}', '{"zoom": 1, "zoom": 2}', "[" * 100_000),
        *('{"shift": ' + "[" * 40 + "]" * 40 + "}", '{"zoom": null}', "", "null", "[]", '"x"', "{"),
    ],
)
def test_a_view_is_finite_and_known_or_refused(client, network, text):
    galaxy_with_pictures()
    source = ask(client, "sources/", {"pgc": 4258}).json()["id"]
    answer = client.post(f"/api/v1/predict/sources/{source}/evaluate/", text, content_type="application/json")
    assert (answer.status_code == 400) or (text == "" and answer.status_code == 200), answer.content
    assert text == "" or not Prediction.objects.exists()


def test_only_who_holds_the_id_finds_a_source_and_only_for_a_day(client, network, alice_client):
    body = upload(client, file=named(encoded(spiral()["r"]))).json()
    source = f"/api/v1/predict/sources/{body['id']}/"
    missing = f"/api/v1/predict/sources/{uuid.uuid4()}/"
    unknown = [client.get(missing), ask(client, missing[len(PREFIX) :] + "evaluate/"), client.get(f"{missing}r.png")]
    assert {answer.status_code for answer in unknown} == {404}
    assert len({answer.content for answer in unknown}) == 1
    assert client.get(f"{source}g.png").content == unknown[0].content
    assert client.get("/api/v1/predict/sources/").status_code == 405
    for method in (client.put, client.patch, client.delete):
        assert method(source, {}, content_type="application/json").status_code == 405
    for path in ("1/", "not-a-uuid/", f"{body['id'].upper()}x/", "../sources/"):
        assert client.get(f"/api/v1/predict/sources/{path}").status_code in (404, 405)
    # An address alone is enough, whoever is logged in: it is nobody's account.
    assert alice_client.get(source).json()["id"] == body["id"]
    Source.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    gone = [client.get(source), ask(client, source[len(PREFIX) :] + "evaluate/"), client.get(f"{source}r.png")]
    assert {answer.content for answer in gone} == {unknown[0].content}


def test_the_sweeper_forgets_what_is_a_day_old_and_folders_that_nobody_knows(client, network):
    import os

    old = upload(client, file=named(encoded(spiral()["r"]))).json()["id"]
    young = upload(client, file=named(encoded(spiral()["g"]), "g.png")).json()["id"]
    folder = Path(django_settings.GIZ_HOME) / "predict"
    Source.objects.filter(pk=old).update(expires_at=timezone.now() - timedelta(seconds=1))
    for name in ("orphan", str(uuid.uuid4()), young):
        (folder / name).mkdir(exist_ok=True)
        os.utime(folder / name, (0, 0))
    assert sweep_sources() == 1
    assert [path.name for path in folder.iterdir()] == [young]
    assert list(Source.objects.values_list("pk", flat=True)) == [uuid.UUID(young)]
    assert sources_sweep() == 0


@pytest.mark.finding("abuse A26", "abuse A28")
def test_one_address_may_ask_so_much_in_a_minute_and_another_still_may(client, network, monkeypatch, settings):
    monkeypatch.setattr(api, "EVALUATIONS_A_MINUTE", 3)
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 0}
    galaxy_with_pictures()
    path = "/api/v1/predict/pgc/4258/"
    # A made-up X-Forwarded-For does not make another address.
    answers = [client.get(path, HTTP_X_FORWARDED_FOR=f"10.0.0.{number}") for number in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].json()["code"] == "too_many_requests"
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
    assert client.get(path, REMOTE_ADDR="198.51.100.7").status_code == 200


def test_nothing_of_who_asked_is_kept(client, network, alice, alice_client):
    galaxy_with_pictures()
    address = "198.51.100.77"
    alice_client.get("/api/v1/predict/pgc/4258/", REMOTE_ADDR=address, HTTP_USER_AGENT="canary-agent")
    upload(alice_client, "file/", file=named(encoded(spiral()["r"]), "canary-name_r.png"))
    kept = json.dumps([*Prediction.objects.values(), *Source.objects.values()], default=str)
    for canary in (address, "canary", alice.email, str(alice.volunteer_number)):
        assert canary not in kept
    assert not list((Path(django_settings.GIZ_HOME) / "predict").rglob("*.png"))


def test_a_disk_or_a_table_that_is_full_is_said(client, network, monkeypatch):
    monkeypatch.setattr("giz.inference.services.sources.MOST_UPLOADS", 1)
    assert upload(client, file=named(encoded(spiral()["r"]))).status_code == 201
    answer = upload(client, file=named(encoded(spiral()["r"])))
    assert (answer.status_code, answer.json()["code"]) == (503, "busy")
    assert "Retry-After" in answer.headers
