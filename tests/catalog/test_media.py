"""Display files over HTTP: exact names only, cached for ever, nothing of the database."""

import pytest
from django.conf import settings
from django.test import Client

from giz.catalog.models import Galaxy
from giz.catalog.services import image_store
from giz.catalog.storage import IMAGE_PATH
from giz.imaging.decode import decode_picture

from .conftest import spiral

pytestmark = pytest.mark.django_db


@pytest.fixture
def image():
    galaxy = Galaxy.objects.create(pgc=4)
    return image_store(galaxy=galaxy, band="g", pixels=decode_picture(spiral(), "grey"), origin="file")


def body(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_display_file_is_served_with_headers_that_cache_it_for_ever_and_execute_nothing(image, client):
    answer = client.get(IMAGE_PATH.format(stem=image.stem, size=128))
    assert answer.status_code == 200
    assert body(answer)[:4] == b"RIFF"
    assert answer["Content-Type"] == "image/webp"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Content-Disposition"] == "inline"
    assert int(answer["Content-Length"]) > 100
    assert "Vary" not in answer
    assert not answer.cookies


def test_it_asks_nothing_of_the_database_even_of_somebody_who_is_logged_in(
    image, alice_client, django_assert_num_queries
):
    with django_assert_num_queries(0):
        assert body(alice_client.get(f"/media/{image.stem}-128.webp"))


def test_a_browser_that_has_it_is_told_so(image, client):
    path = f"/media/{image.stem}-128.webp"
    etag = client.get(path)["ETag"]
    answer = client.get(path, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert "immutable" in answer["Cache-Control"]
    assert client.head(path).status_code == 200


@pytest.mark.finding("abuse A6")
@pytest.mark.parametrize(
    "path",
    [
        "../settings.py",
        "..%2f..%2fsettings.py",
        "%2e%2e/%2e%2e/etc/passwd",
        "aa/../../../etc/passwd",
        "aa/{stem}-128.webp",
        "{stem}-128.webp%00.png",
        "{stem}-128.webp%0a",
        "{stem}-127.webp",
        "{stem}-512.webp",
        "{stem}.webp",
        "{stem}-128.webp/",
        "{upper}-128.webp",
        "",
        "ab/",
    ],
)
def test_no_other_name_is_served(image, client, path):
    secret = settings.MEDIA_ROOT / "settings.py"
    secret.write_text("secret")
    answer = client.get("/media/" + path.format(stem=image.stem, upper=image.stem.upper()))
    assert answer.status_code == 404
    assert b"secret" not in body(answer)


@pytest.mark.finding("abuse A6")
def test_a_stem_in_the_wrong_folder_is_not_served(image, client):
    folder, name = image.stem.split("/")
    other = "aa" if folder != "aa" else "bb"
    assert client.get(f"/media/{other}/{name}-128.webp").status_code == 404


def test_it_can_only_be_read(image):
    for method in ("post", "put", "delete", "patch"):
        assert getattr(Client(), method)(f"/media/{image.stem}-128.webp").status_code == 405
