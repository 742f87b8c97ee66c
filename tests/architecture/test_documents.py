"""The documents: every relative link leads somewhere, decisions are numbered without gaps and keep their shape."""

import re
from pathlib import Path

import pytest

from tests.architecture.repository import REPOSITORY, files_ending, read

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(file: Path) -> set[str]:
    """The names that headings get on GitHub."""
    headings = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", read(file), flags=re.DOTALL | re.MULTILINE), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def is_there(document: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = (REPOSITORY / document.parent / path).resolve() if path else REPOSITORY / document
    if not target.exists():
        return False
    return not anchor or anchor in anchors(target.relative_to(REPOSITORY))


@pytest.mark.parametrize("document", files_ending(".md"), ids=str)
def test_every_relative_link_leads_somewhere(document: Path) -> None:
    links = [link for link in LINK.findall(read(document)) if not re.match(r"[a-z]+:", link)]
    assert [link for link in links if not is_there(document, link)] == []


def test_every_document_can_be_reached_from_the_map() -> None:
    reached, waiting = set(), [Path("README.md")]
    while waiting:
        document = waiting.pop()
        if document in reached or document.suffix != ".md":
            continue
        reached.add(document)
        for link in LINK.findall(read(document)):
            target = (REPOSITORY / document.parent / link.partition("#")[0]).resolve()
            if not re.match(r"[a-z]+:", link) and target.is_relative_to(REPOSITORY) and target.is_file():
                waiting.append(target.relative_to(REPOSITORY))
    documents = {file for file in files_ending(".md") if file.parts[0] == "docs"}
    assert documents - reached == set()


def test_decisions_are_numbered_without_gaps_and_say_why() -> None:
    decisions = [
        file for file in files_ending(".md") if file.parent == Path("docs/decisions") and file.name[0].isdigit()
    ]
    numbers = [int(file.name[:4]) for file in sorted(decisions)]
    assert numbers == list(range(1, len(numbers) + 1))
    for decision in decisions:
        for heading in ("## Context", "## Decision", "## Consequences"):
            assert heading in read(decision), f"{decision} has no {heading!r}"
