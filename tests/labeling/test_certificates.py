"""Certificates: what My eye states on a day, for whoever has number and code; gone with the account."""

import re
import zlib
from typing import Any

import pytest
from django.test import Client

from giz.accounts.erasure import account_erase
from giz.accounts.models import User
from giz.core.errors import Refused
from giz.core.pdf import Line, pdf_page
from labeling.models import Certificate
from labeling.services.certificates import certificate_find, certificate_issue
from tests.labeling.sky import make_campaign, make_volunteer
from tests.labeling.test_outcomes import consensus_refresh, judge, let_undo_end

pytestmark = pytest.mark.django_db
MINE = "/certificate/mine"


@pytest.fixture
def seen(alice: Any) -> None:
    """Alice has judged twelve galaxies that are settled; she sees 4° too much."""
    make_campaign(targets=12)
    others = [make_volunteer(1), make_volunteer(2)]
    for _galaxy in range(12):
        judge(alice, 66.5)
        for volunteer, inclination_deg in zip(others, (61.5, 63.5), strict=True):
            judge(volunteer, inclination_deg)
    consensus_refresh()
    let_undo_end()


def address_of(certificate: Certificate) -> str:
    return f"/certificate/{certificate.number}/{certificate.code}"


def test_it_states_what_my_eye_states_and_one_a_day_is_made(seen: None, alice: Any, alice_client: Client) -> None:
    assert alice_client.get(MINE).status_code == 200
    assert not Certificate.objects.exists()  # a look makes nothing
    first, second = alice_client.post(MINE), alice_client.post(MINE)
    made = Certificate.objects.get()
    assert first["Location"] == second["Location"] == address_of(made)
    assert (made.volunteer, made.votes, made.galaxies) == (alice, 12, 12)
    assert (made.offset_text, made.scatter_text) == ("+4.0° ± 0.0°", "0.0° ± 0.0°")


def test_anybody_checks_it_by_number_and_code(seen: None, alice: Any, alice_client: Client, client: Client) -> None:
    alice_client.post(MINE)
    made = Certificate.objects.get()
    page = client.get("/certificate", {"number": made.number, "code": made.code.upper()}, follow=True)
    assert page.status_code == 200
    assert page.redirect_chain[-1][0] == address_of(made)
    text = page.content.decode()
    assert alice.public_name in text
    assert "+4.0° ± 0.0°" in text
    assert alice.email not in text
    assert page["Cache-Control"].startswith("max-age=0")


@pytest.mark.parametrize("change", ["code", "number", "both empty", "not a number", "long"])
def test_a_wrong_number_or_code_opens_nothing(seen: None, alice_client: Client, client: Client, change: str) -> None:
    alice_client.post(MINE)
    made = Certificate.objects.get()
    number, code = {
        "code": (str(made.number), "a" * 12),
        "number": (str(made.number % 900_000_000 + 100_000_000 ^ 1), made.code),
        "both empty": (str(made.number), ""),
        "not a number": ("²³¹²³¹²³¹", made.code),
        "long": ("9" * 40, "ü" * 500),
    }[change]
    assert client.get("/certificate", {"number": number, "code": code}).status_code == 404
    if number.isdecimal() and code:
        assert client.get(f"/certificate/{number}/{code}").status_code == 404
        assert client.get(f"/certificate/{number}/{code}/pdf").status_code == 404


def test_the_pdf_is_one_page_with_the_same_figures(
    seen: None, alice: Any, alice_client: Client, client: Client
) -> None:
    alice_client.post(MINE)
    made = Certificate.objects.get()
    answer = client.get(address_of(made) + "/pdf")
    assert answer["Content-Type"] == "application/pdf"
    assert str(made.number) in answer["Content-Disposition"]
    data = answer.content
    for words in (alice.public_name, str(made.number), made.code, "+4.0° ± 0.0°"):
        assert words.encode("cp1252") in data
    assert_well_formed(data)


def assert_well_formed(data: bytes) -> None:
    """Each object lies where the table of places says, and the stream is as long as it says."""
    assert data.startswith(b"%PDF-1.4\n")
    assert data.endswith(b"%%EOF\n")
    start = int(data.rsplit(b"startxref\n", 1)[1].split(b"\n")[0])
    assert data[start:].startswith(b"xref\n")
    places = [int(place) for place in re.findall(rb"(\d{10}) 00000 n ", data[start:])]
    assert len(places) == 7
    for number, place in enumerate(places, 1):
        assert data[place:].startswith(b"%d 0 obj\n" % number)
    found = re.search(rb"/Length (\d+) >>\nstream\n", data)
    assert found
    assert data[found.end() + int(found[1]) :].startswith(b"\nendstream")


def test_no_text_breaks_out_of_the_pdf() -> None:
    evil = "a) Tj ET (\\) >> stream endstream\nendobj \x00 日本 −1°"
    data = pdf_page(evil, [Line(evil, 10, 10)])
    assert_well_formed(data)
    assert rb"(a\) Tj ET \(\\\) >> stream endstream endobj" in data
    assert "–1°".encode("cp1252") in data
    assert zlib.crc32(data) == zlib.crc32(pdf_page(evil, [Line(evil, 10, 10)]))


def test_too_few_settled_galaxies_give_none(alice: Any, alice_client: Client) -> None:
    answer = alice_client.post(MINE)
    assert (answer.status_code, b'data-code="too_few_galaxies"' in answer.content) == (409, True)
    assert not Certificate.objects.exists()


def test_strangers_make_none(client: Client) -> None:
    answer = client.post(MINE)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/accounts/login/")


def test_with_the_account_its_certificates_go(seen: None, alice: Any, alice_client: Client, client: Client) -> None:
    alice_client.post(MINE)
    made = Certificate.objects.get()
    account_erase(user=alice)
    assert client.get(address_of(made)).status_code == 404
    assert certificate_find(number=made.number, code=made.code) is None


def test_a_request_that_was_on_its_way_makes_none_for_an_erased_account(seen: None, alice: Any) -> None:
    account_erase(user=User.objects.get(pk=alice.pk))
    with pytest.raises(Refused) as refused:
        certificate_issue(volunteer=alice)
    assert refused.value.code == "not_authenticated"
    assert not Certificate.objects.exists()
