"""The walks through the code name files that exist, each of them once in its walk."""

import re
from pathlib import Path

import pytest

from tests.architecture.repository import REPOSITORY, read

WALKS = Path("docs/reference/walks.md")
NAMED = re.compile(r"`((?:giz|labeling|standards)/[\w/]+\.py)`")
STEP = re.compile(r"^\d+\. `((?:giz|labeling|standards)/[\w/]+\.py)`: ", re.MULTILINE)


def test_every_file_that_a_walk_names_exists() -> None:
    named = NAMED.findall(read(WALKS))
    assert [file for file in named if not (REPOSITORY / file).is_file()] == []


@pytest.mark.parametrize(("walk", "most"), [("picture → answer", 8), ("vote → label", 9), ("frame → picture", 8)])
def test_a_walk_is_short_and_never_goes_back(walk: str, most: int) -> None:
    part = read(WALKS).split(f"## {walk}\n")[1].split("\n## ")[0]
    files = STEP.findall(part)
    assert 0 < len(files) <= most
    assert len(files) == len(set(files)) == len(re.findall(r"^\d+\. ", part, re.MULTILINE))
