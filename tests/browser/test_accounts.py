"""Accounts in a real browser: in, out, a forgotten password by the letter that really was written."""

import json
import re
from collections.abc import Callable
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.browser.conftest import PASSWORD, PHONE, Visitor
from tests.browser.play import type_into
from tests.browser.site import Site

NEW_PASSWORD = "another galaxy, nearly face-on"


@pytest.fixture(scope="module", autouse=True)
def _letters(site: Site) -> None:
    """The default of a fresh installation: letters are written out, between the lines of the log."""
    site.stop()
    site.environment["EMAIL_BACKEND"] = "django.core.mail.backends.console.EmailBackend"
    site.start()


def _newest_letter(site: Site) -> str:
    return site.log().rsplit("Content-Type: text/plain", 1)[1].split("-" * 20, 1)[0]


def test_somebody_signs_up_logs_out_and_comes_back(site: Site, visitor: Callable[..., Visitor]) -> None:
    mike = visitor(viewport=PHONE)
    mike.sign_up("mike@example.org", then="/accounts/email/")
    page = mike.page
    name = page.locator("header nav a").first.inner_text()
    assert re.fullmatch(r"v\d{6,9}", name)
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{site.address}/")
    mike.log_in("mike@example.org", then="/accounts/email/")
    assert page.locator("header nav a").first.inner_text() == name


def test_a_slip_is_told_beside_the_form_and_the_address_stays(site: Site, visitor: Callable[..., Visitor]) -> None:
    ann = visitor()
    page = ann.open("/accounts/login/")
    page.get_by_label("E-mail").fill("ann@example.org")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Log in").click()
    assert "Wrong e-mail or password" in page.get_by_role("alert").inner_text()
    assert page.get_by_label("E-mail").input_value() == "ann@example.org"
    assert page.get_by_label("Password").input_value() == ""


def test_a_forgotten_password_is_replaced_with_the_link_of_the_letter(
    site: Site, visitor: Callable[..., Visitor]
) -> None:
    visitor().sign_up("eve@example.org", then="/accounts/email/")
    eve = visitor()
    page = eve.open("/accounts/login/")
    page.get_by_role("link", name="Forgotten your password?").click()
    page.get_by_label("E-mail").fill("eve@example.org")
    page.get_by_role("button", name="Send me the link").click()
    page.locator("[data-code=email_sent]").wait_for()
    letter = _newest_letter(site)
    assert "To: eve@example.org" in letter
    link = re.search(r"https?://\S+/accounts/password/reset/key/\S+", letter)
    assert link
    page.goto(link[0])
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("Repeat the new password").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Save the password").click()
    page.get_by_role("heading", name="Your new password is saved").wait_for()
    eve.log_in("eve@example.org", password=NEW_PASSWORD, then="/accounts/email/")
    log = "\n".join(line for line in site.log().splitlines() if line.startswith("{"))
    assert "/accounts/password/reset/key/[private]" in log
    assert "eve@example.org" not in log
    assert link[0].rstrip("/").rsplit("/", 1)[1] not in log
    assert PASSWORD not in log


def test_the_forms_are_filled_in_with_the_keyboard_alone(site: Site, visitor: Callable[..., Visitor]) -> None:
    zoe = visitor()
    page = zoe.open("/accounts/signup/?next=/accounts/email/")
    type_into(page, "E-mail", "zoe@example.org")
    page.keyboard.press("Tab")
    type_into(page, "Password", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{site.address}/accounts/email/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to the content"


@pytest.mark.finding("security S6", "flow F17")
def test_somebody_takes_their_data_along_and_leaves(site: Site, visitor: Callable[..., Visitor]) -> None:
    leo = visitor(viewport=PHONE)
    leo.sign_up("leo@example.org", then="/me")
    page = leo.page
    # The password was entered a moment ago, so it is not asked for again.
    page.get_by_role("link", name="My data").click()
    page.get_by_role("heading", name="My data").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download my data").click()
    assert json.loads(download.value.path().read_text())["account"]["email"] == "leo@example.org"
    page.get_by_label("Erase my account. I understand").check()
    page.get_by_role("button", name="Erase my account").click()
    page.locator("[data-code=erased]").wait_for()
    leo.open("/accounts/data/")
    page.wait_for_url("**/accounts/login/**")
    assert site.query("SELECT count(*) FROM accounts_user WHERE email = %s", "leo@example.org") == [(0,)]
    assert "leo@example.org" not in "\n".join(line for line in site.log().splitlines() if line.startswith("{"))


def test_a_program_uses_the_token_that_was_made_on_the_page_until_it_is_revoked(
    site: Site, visitor: Callable[..., Visitor]
) -> None:
    ida = visitor(viewport=PHONE)
    ida.sign_up("ida@example.org", then="/accounts/tokens/")
    page = ida.page
    page.get_by_label("What is it for?").fill("notebook")
    page.get_by_label("predict").check()
    page.get_by_role("button", name="Make the token").click()
    secret = page.locator("[data-code=token_made] code").first.inner_text()
    ida.screenshot("tokens-phone")

    def volunteer_of_token() -> str:
        headers = {"Authorization": f"Bearer {secret}"}
        with urlopen(Request(f"{site.address}/api/v1/me/", headers=headers)) as answer:
            return str(json.load(answer)["volunteer"])

    assert volunteer_of_token() == page.locator("header nav a").first.inner_text()
    page.get_by_role("button", name="Revoke notebook").click()
    page.get_by_role("button", name="Revoke notebook").wait_for(state="detached")
    with pytest.raises(HTTPError, match="401"):
        volunteer_of_token()
    assert secret not in site.log()
