"""A site that others may open answers under every name and address of its machine, and says which to send them."""

import ipaddress
import socket
from pathlib import Path
from typing import Any

import pytest
import requests
from django.conf import settings as site_settings

from giz.embedded.addresses import in_url, own_addresses, own_names
from giz.embedded.management.commands.up import address_for_others, part_environment
from giz.embedded.site import SiteOptions, web_part
from tests.browser.site import Site
from tests.conftest import TEMPLATE

pytestmark = pytest.mark.finding("flow F8")


def test_own_addresses_are_such_that_others_can_ask() -> None:
    for text in own_addresses():
        address = ipaddress.ip_address(text)
        assert not address.is_loopback
        assert not address.is_link_local
    assert "localhost" not in own_names()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_a_site_for_this_machine_alone_is_as_before(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SITE_URL", raising=False)
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    assert part_environment(host, 8123) == {"SITE_URL": "http://localhost:8123"}
    assert address_for_others(host, 8123) == ""


@pytest.mark.parametrize("host", ["192.0.2.7", "2001:db8::7", "giz.example.org"])
def test_one_address_is_the_one_that_mails_name(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SITE_URL", raising=False)
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    environment = part_environment(host, 8123)
    assert environment["SITE_URL"] == f"http://{in_url(host)}:8123"
    assert in_url(host) in environment["ALLOWED_HOSTS"].split(",")


def test_what_somebody_has_set_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SITE_URL", "https://giz.example.org")
    monkeypatch.setenv("ALLOWED_HOSTS", "giz.example.org")
    assert part_environment("0.0.0.0", 8123) == {}


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
@pytest.mark.usefixtures("django_db_setup")
def test_a_wildcard_answers_under_every_address_of_the_machine(
    host: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: Any
) -> None:
    if host == "::" and not socket.has_ipv6:
        pytest.skip("this machine speaks no IPv6")
    monkeypatch.delenv("SITE_URL", raising=False)
    monkeypatch.delenv("ALLOWED_HOSTS", raising=False)
    site = Site(Path(tmp_path_factory.mktemp("w")), site_settings.DATABASES["default"], TEMPLATE)
    environment = part_environment(host, site.port)
    site.environment |= environment
    monkeypatch.setattr(
        "tests.browser.site.web_part",
        lambda _options, given: web_part(SiteOptions(host=host, port=site.port, web_workers=1), given),
    )
    try:
        site.start()
        reached = [address for address in own_addresses() if host == "::" or ":" not in address]
        for name in ["127.0.0.1", *reached]:
            answer = requests.get(f"http://{in_url(name)}:{site.port}/api/v1/stats/", timeout=60)
            assert answer.status_code == 200, name
        for name in own_names():
            named = {"Host": f"{name}:{site.port}"}
            assert requests.get(f"{site.address}/api/v1/stats/", headers=named, timeout=60).status_code == 200
        assert requests.get(f"{site.address}/healthz", headers={"Host": "evil.example"}, timeout=60).status_code == 400
        if reached:
            assert environment["SITE_URL"] == f"http://{in_url(reached[0])}:{site.port}"
    finally:
        site.close()
