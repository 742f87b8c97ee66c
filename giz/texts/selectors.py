"""Find the version of a text that is in use."""

from functools import cache
from pathlib import Path

from django.conf import settings

from giz.texts.markup import html_of
from giz.texts.models import FIELD_GUIDE, PAGES, TextVersion

FOLDER = Path(__file__).parent / "defaults"
PICTURES = FOLDER / "pictures"


@cache
def built_in_texts() -> dict[str, str]:
    """Return the Markdown of each text that comes with GIZ."""
    return {name: (FOLDER / f"{name}.md").read_text(encoding="utf-8") for name in (*PAGES, FIELD_GUIDE)}


def text_in_use(name: str) -> TextVersion | None:
    """Return the newest version of a text; None if nobody has written one."""
    return TextVersion.objects.filter(name=name).order_by("-number").first()


def common_guide() -> int | None:
    """Return the key of the field guide that belongs to no campaign, in the version in use."""
    version = text_in_use(FIELD_GUIDE)
    return version.pk if version else None


def guide_version(pk: int) -> TextVersion | None:
    """Return a version of a field guide, of whatever campaign."""
    return TextVersion.objects.filter(pk=pk, name__startswith=FIELD_GUIDE).first()


def picture_read(name: str) -> bytes:
    """Return a picture that comes with GIZ. Raises FileNotFoundError."""
    return (PICTURES / f"{name}.webp").read_bytes()


def page_html(markdown: str) -> str:
    """Return a text as HTML, with the operator's contact in the place of ``{contact}``."""
    contact = settings.SECURITY_CONTACT.removeprefix("mailto:")
    words = f"Write to [{contact}](mailto:{contact})." if "@" in contact else f"See <{contact}>."
    if contact == settings.SITE_URL:
        words = "The people who run this site have not yet written here how to reach them."
    return html_of(markdown.replace("{contact}", words))
