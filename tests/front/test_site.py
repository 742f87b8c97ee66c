"""The site as it is shipped goes on answering, whatever clients leave undone."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from django.conf import settings

from tests.browser.site import Site
from tests.conftest import TEMPLATE

from .clients import PATIENCE_S, STALLED_HEADERS, many, stalled_body


@pytest.fixture(scope="module")
def site(django_db_setup: None) -> Iterator[Site]:
    found = Site(Path(tempfile.mkdtemp(prefix="giz-f-")), settings.DATABASES["default"], TEMPLATE, web_workers=2)
    found.start()
    yield found
    found.close()


@pytest.mark.finding("security S5")
@pytest.mark.parametrize("path", ["/api/v1/predict/file/", "/api/v1/predict/sources/", "/api/file", "/accounts/login/"])
def test_stalled_bodies_and_headers_do_not_silence_the_site(site: Site, path: str) -> None:
    with many(site.port, 64, stalled_body(path)), many(site.port, 200, STALLED_HEADERS):
        for address in ("/healthz", "/api/v1/stats/", "/accounts/login/", "/readyz"):
            assert requests.get(site.address + address, timeout=PATIENCE_S).status_code == 200
        # Refused because nobody is logged in, but answered by Django.
        answer = requests.post(site.address + "/api/v1/tasks/next/", json={}, timeout=PATIENCE_S)
        assert answer.status_code in (401, 403, 404, 405)


@pytest.mark.finding("security S5")
def test_slow_readers_do_not_silence_the_site(site: Site) -> None:
    asked = b"GET /static/unfold/css/styles.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with many(site.port, 64, asked, receive_bytes=4_096):
        assert requests.get(site.address + "/api/v1/stats/", timeout=PATIENCE_S).status_code == 200


@pytest.mark.finding("abuse A23")
def test_two_host_headers_are_refused(site: Site) -> None:
    with many(site.port, 1, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example\r\n\r\n") as (client,):
        assert client.recv(100).startswith(b"HTTP/1.1 400 ")
