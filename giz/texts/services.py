"""Write new versions of texts, by staff or because GIZ came with newer ones, and store pictures for them."""

from typing import Any

from django.db import connection, transaction

from giz.catalog.storage import display_files_write
from giz.core import audit
from giz.core.errors import Refused
from giz.imaging.decoder import picture_decode
from giz.imaging.errors import UnusableFileError
from giz.imaging.sizes import display_files
from giz.texts.markup import foreign_pictures, title_of
from giz.texts.models import MAX_LETTERS, TextPicture, TextVersion
from giz.texts.selectors import built_in_texts, text_in_use

_LOCK = 0x7E875
MAX_TITLE = 120


def text_write(*, name: str, markdown: str, after: int, author: Any) -> TextVersion:
    """Add a version of a text.

    ``after`` is the number of the version that the author has edited, 0 if there was none.

    Raises
    ------
    Refused
        ``no_title``, ``too_long`` or ``foreign_picture`` for the text; ``edited_by_another`` (409) if ``after`` is no
        longer the newest version; ``unchanged`` if it says the same.
    """
    markdown = markdown.replace("\r\n", "\n").strip() + "\n"
    title = title_of(markdown)
    if not 0 < len(title) <= MAX_TITLE:
        raise Refused("no_title", f"The first line must be a title: # and then 1 to {MAX_TITLE} letters.")
    if len(markdown) > MAX_LETTERS:
        raise Refused("too_long", f"A text has at most {MAX_LETTERS:,} letters; this one has {len(markdown):,}.")
    if foreign := foreign_pictures(markdown):
        raise Refused("foreign_picture", f"Pictures must lie on this site: upload {foreign[0]!r} under Text pictures.")
    with transaction.atomic():
        _one_at_a_time()
        newest = text_in_use(name)
        if (newest.number if newest else 0) != after:
            raise Refused(
                "edited_by_another",
                "Somebody else has saved this text in the meantime. Copy your text, open the page again and add it.",
                status=409,
            )
        if newest and newest.markdown == markdown:
            raise Refused("unchanged", "This is the text that is in use already.")
        made = TextVersion.objects.create(name=name, number=after + 1, markdown=markdown, title=title, author=author)
        audit.record("text_written", actor=author, subject=name, version=made.number, letters=len(markdown))
    return made


def built_in_texts_add() -> int:
    """Add the texts that come with GIZ where there is none, or an older one that also came with GIZ.

    What staff have written stays in use. Returns how many were added.
    """
    added = 0
    with transaction.atomic():
        _one_at_a_time()
        for name, markdown in built_in_texts().items():
            newest = text_in_use(name)
            if newest is None or (newest.is_built_in and newest.markdown != markdown):
                number = newest.number + 1 if newest else 1
                title = title_of(markdown)
                TextVersion.objects.create(name=name, number=number, markdown=markdown, title=title, is_built_in=True)
                added += 1
    return added


def picture_store(*, data: bytes, description: str, author: Any) -> TextPicture:
    """Store an uploaded picture, decoded in a separate process; the same picture again returns the existing row.

    Raises
    ------
    Refused
        With the code of what is wrong with the file; ``media_unwritable`` if it can't be stored.
    """
    try:
        made = display_files(picture_decode(data, "colour"))
    except UnusableFileError as error:
        raise Refused(error.code, str(error)) from None
    display_files_write(made)
    row, is_new = TextPicture.objects.get_or_create(
        stem=made.stem, defaults={"side_px": max(made.files), "description": description, "author": author}
    )
    if is_new:
        audit.record("text_picture_stored", actor=author, subject=made.stem)
    return row


def _one_at_a_time() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
