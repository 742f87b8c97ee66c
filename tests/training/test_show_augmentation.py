"""`show_augmentation`: one page of what a network learns from, with even bars for the batches."""

from pathlib import Path

import pytest
from django.core.management import CommandError, call_command


def test_the_page_shows_each_picture_with_number_label_and_band(discs: Path, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    call_command("show_augmentation", str(discs), html=str(file), count=60)
    page = file.read_text()
    assert page.count("data:image/png") == 60
    assert page.count(", rejected, ") > 5
    assert page.count("colour</figcaption>") > 15
    assert page.count("<svg") == 2
    assert "In 50 batches" in page
    assert "<script" not in page


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"count": 0}, "--count must be from 1"),
        ({"network": "model4"}, "takes pictures of 128 px"),
        ({"html": "/nowhere/page.html"}, "can't be written"),
    ],
)
def test_mistakes_are_told_in_a_sentence(discs: Path, tmp_path: Path, changes: dict[str, object], words: str) -> None:
    options = {"html": str(tmp_path / "page.html"), **changes}
    with pytest.raises(CommandError, match=words):
        call_command("show_augmentation", str(discs), **options)
