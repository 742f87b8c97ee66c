"""Texts as pages of the site: there for everybody, edited by staff only, each version kept with its author."""

import re
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import Client, override_settings
from django.urls import resolve, reverse
from PIL import Image

from giz.accounts.models import User
from giz.core.errors import Refused
from giz.core.models import AuditEvent
from giz.texts.admin import edit_address
from giz.texts.models import FIELD_GUIDE, PAGES, TextPicture, TextVersion
from giz.texts.selectors import PICTURES, built_in_texts, page_html, text_in_use
from giz.texts.services import built_in_texts_add, text_write
from tests.lab.guide_pictures import RECIPES

pytestmark = pytest.mark.django_db
ABOUT = "/about"


def number_of(name: str) -> int:
    found = text_in_use(name)
    assert found
    return found.number


# --- what comes with GIZ ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_there_from_the_first_start(client: Client, name: str) -> None:
    answer = client.get(f"/{name}")
    assert answer.status_code == 200
    assert f"<h1>{text_in_use(name).title}</h1>" in answer.content.decode()  # type: ignore[union-attr]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["Cache-Control"].startswith("max-age=0")
    assert client.post(f"/{name}").status_code == 405


def test_every_link_and_picture_of_the_texts_leads_somewhere(client: Client) -> None:
    for name, markdown in built_in_texts().items():
        for address in re.findall(r'(?:href|src)="(/[^"]*)"', page_html(markdown)):
            assert resolve(address).url_name, (name, address)
            assert client.get(address).status_code == 200, (name, address)


def test_each_picture_is_made_by_the_laboratory_and_shown_somewhere() -> None:
    files = {file.stem for file in PICTURES.iterdir()}
    shown = set(re.findall(r"pictures/([a-z0-9-]+)\.webp", "".join(built_in_texts().values())))
    assert files == set(RECIPES) == shown


@pytest.mark.parametrize("name", ["nothing", "../../settings", "a" * 300])
def test_no_other_file_is_served_as_a_picture(client: Client, name: str) -> None:
    assert client.get(f"/texts/pictures/{name}.webp").status_code == 404


def test_every_page_of_the_server_links_to_the_texts(client: Client, bob_client: Client) -> None:
    for who, address in ((client, "/accounts/login/"), (client, ABOUT), (bob_client, "/staff/dashboard/")):
        page = who.get(address).content.decode()
        assert [f'href="/{name}"' in page for name in PAGES] == [True] * len(PAGES), address


@pytest.mark.parametrize(
    ("contact", "shown"),
    [
        ("help@giz.example", 'href="mailto:help@giz.example"'),
        ("mailto:help@giz.example", 'href="mailto:help@giz.example"'),
        ("https://giz.example/people", 'href="https://giz.example/people"'),
    ],
)
def test_the_contact_of_the_operator_is_shown(client: Client, contact: str, shown: str) -> None:
    with override_settings(SECURITY_CONTACT=contact):
        assert shown in client.get("/contact").content.decode()


def test_a_newer_giz_replaces_its_own_text_but_never_that_of_staff(bob: User, monkeypatch: pytest.MonkeyPatch) -> None:
    assert built_in_texts_add() == 0
    text_write(name="about", markdown="# Ours", after=1, author=bob)
    newer = {**built_in_texts(), "about": "# Newer about\n", "contact": "# Newer contact\n"}
    monkeypatch.setattr("giz.texts.services.built_in_texts", lambda: newer)
    assert built_in_texts_add() == 1
    assert (number_of("about"), number_of("contact")) == (2, 2)
    assert text_in_use("about").title == "Ours"  # type: ignore[union-attr]
    assert text_in_use("contact").is_built_in  # type: ignore[union-attr]


# --- editing ---------------------------------------------------------------------------------------------------------
def test_staff_edit_a_text_and_everybody_sees_it_at_once(bob_client: Client, bob: User, client: Client) -> None:
    form = {"markdown": "# Who we are\n\nPeople of **Hilo**.", "after": "1"}
    assert bob_client.post(edit_address("about"), form).status_code == 302
    assert "<strong>Hilo</strong>" in client.get(ABOUT).content.decode()
    version = TextVersion.objects.get(name="about", number=2)
    assert (version.author, version.title, version.is_built_in) == (bob, "Who we are", False)
    event = AuditEvent.objects.get(action="text_written")
    assert (event.actor_number, event.subject, event.detail["version"]) == (bob.volunteer_number, "about", 2)


def test_the_preview_shows_the_text_and_saves_nothing(bob_client: Client) -> None:
    form = {"markdown": "# Draft\n\n<script>alert(1)</script> **bold**", "after": "1"}
    page = bob_client.post(reverse("admin:texts_preview"), form).content.decode()
    assert "<strong>bold</strong>" in page
    assert "<script>alert" not in page
    assert number_of("about") == 1


def test_nobody_but_staff_edits_previews_or_uploads(alice_client: Client, client: Client) -> None:
    addresses = (
        edit_address("about"),
        reverse("admin:texts_preview"),
        reverse("admin:texts_textpicture_add"),
        reverse("admin:texts_textversion_changelist"),
    )
    for address in addresses:
        for who in (client, alice_client):
            assert who.post(address, {"markdown": "# Mine", "after": "1"}).status_code in (302, 403, 404)
            assert who.get(address).status_code in (302, 403, 404, 405)
    assert number_of("about") == 1


def test_a_form_of_another_site_changes_nothing(bob_client: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = bob_client.cookies
    assert strict.post(edit_address("about"), {"markdown": "# Mine", "after": "1"}).status_code == 403
    assert number_of("about") == 1


@pytest.mark.parametrize(
    ("markdown", "after", "code"),
    [
        ("no title", 1, "no_title"),
        ("# " + "t" * 121, 1, "no_title"),
        ("# T\n" + "x" * 60_000, 1, "too_long"),
        ("# T\n![x](https://a.example/x.png)", 1, "foreign_picture"),
        ("# T", 0, "edited_by_another"),
        ("# T", 7, "edited_by_another"),
        (built_in_texts()["about"].replace("\n", "\r\n"), 1, "unchanged"),
    ],
)
def test_what_can_not_be_saved_is_refused(bob: User, markdown: str, after: int, code: str) -> None:
    with pytest.raises(Refused) as refused:
        text_write(name="about", markdown=markdown, after=after, author=bob)
    assert refused.value.code == code
    assert number_of("about") == 1


def test_a_refused_text_stays_in_the_editor(bob_client: Client) -> None:
    answer = bob_client.post(edit_address("about"), {"markdown": "my work without title", "after": "1"})
    assert answer.status_code == 400
    assert "my work without title" in answer.content.decode()


@pytest.mark.parametrize("name", ["other", "field-guide/", "field-guide/a b", "field-guide/a/b", "about/x"])
def test_no_text_of_another_name_can_be_made(bob_client: Client, bob: User, name: str) -> None:
    assert bob_client.get(edit_address(name)).status_code == 404
    with pytest.raises(DatabaseError), transaction.atomic():
        text_write(name=name, markdown="# T", after=0, author=bob)


def test_an_earlier_version_is_used_again_as_a_new_one(bob_client: Client, bob: User) -> None:
    text_write(name="about", markdown="# Ours", after=1, author=bob)
    first = TextVersion.objects.get(name="about", number=1)
    page = reverse("admin:texts_textversion_change", args=[first.pk])
    bob_client.post(page.replace("/change/", "/press/restore/"))
    newest = text_in_use("about")
    assert newest
    assert (newest.number, newest.markdown, newest.author) == (3, first.markdown, bob)


def test_versions_are_never_changed_or_deleted(bob: User) -> None:
    for statement in (
        "UPDATE texts_textversion SET markdown = 'x'",
        "DELETE FROM texts_textversion",
        "TRUNCATE texts_textversion CASCADE",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert number_of("about") == 1


def test_a_version_says_what_changed(bob_client: Client, bob: User) -> None:
    made = text_write(name="about", markdown=built_in_texts()["about"] + "\nNew <b>line</b>.", after=1, author=bob)
    page = bob_client.get(reverse("admin:texts_textversion_change", args=[made.pk])).content.decode()
    assert "+New &lt;b&gt;line&lt;/b&gt;." in page
    assert bob.public_name in page


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_at_the_same_time_one_is_told(bob: User) -> None:
    said: list[str] = []
    ready = threading.Barrier(4)

    def save(place: int) -> None:
        ready.wait()
        try:
            text_write(name="about", markdown=f"# By {place}", after=1, author=bob)
            said.append("saved")
        except Refused as error:
            said.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=save, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == ["edited_by_another"] * 3 + ["saved"]
    assert number_of("about") == 2


# --- pictures --------------------------------------------------------------------------------------------------------
def upload(client: Client, data: bytes, description: str = "A bar") -> Any:
    file = SimpleUploadedFile("x.png", data, content_type="image/png")
    return client.post(reverse("admin:texts_textpicture_add"), {"description": description, "file": file})


def test_staff_upload_a_picture_and_use_it(bob_client: Client, bob: User, tmp_path: Path, client: Client) -> None:
    path = tmp_path / "a.png"
    pixels = np.random.default_rng(1).integers(0, 255, (200, 300, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    assert upload(bob_client, path.read_bytes()).status_code == 302
    picture = TextPicture.objects.get()
    assert (picture.author, picture.description) == (bob, "A bar")
    shown = client.get(picture.address)
    assert (shown.status_code, shown["Content-Type"]) == (200, "image/webp")
    assert picture.address in page_html(f"![x]({picture.address})")
    assert AuditEvent.objects.get(action="text_picture_stored").actor_number == bob.volunteer_number
    assert upload(bob_client, path.read_bytes(), "Again").status_code == 302
    assert TextPicture.objects.count() == 1


@pytest.mark.parametrize("data", [b"<svg onload=alert(1)>", b"", b"\x89PNG\r\n\x1a\n" + b"x" * 200])
def test_what_is_no_picture_is_refused_beside_its_field(bob_client: Client, data: bytes) -> None:
    answer = upload(bob_client, data)
    assert answer.status_code == 200
    assert "file" in answer.context["adminform"].form.errors
    assert not TextPicture.objects.exists()


def test_a_campaigns_guide_begins_as_a_copy_of_the_common_one(bob_client: Client) -> None:
    page = bob_client.get(edit_address("field-guide/spirals"))
    assert page.context["form"].initial["markdown"] == built_in_texts()[FIELD_GUIDE]
    form = {"markdown": "# Spirals only", "after": "0"}
    assert bob_client.post(edit_address("field-guide/spirals"), form).status_code == 302
    assert number_of("field-guide/spirals") == 1
