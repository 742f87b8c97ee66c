"""The list of every string that people read: it finds each surface's words, and none of them is a known mistake."""

import re

import pytest

from tests.architecture.repository import REPOSITORY, read
from tests.architecture.strings import SURFACES, strings

KNOWN = {
    "pages": "frontend/src/app/NotFound.tsx",
    "templates": "giz/accounts/templates/account/login.html",
    "mails": "giz/accounts/templates/account/email/invitation_message.txt",
    "python": "labeling/services/votes.py",
}
# What we say, by what we once said in its place.
SAY = {
    r"\banew\b": "again",
    r"\bmeanwhile\b": "in the meantime",
    r"\bas at first\b": "reset",
    r"(?:sent|send)\b.{0,12} letter\b|\ba letter is on\b": "e-mail",
    r"\bfirst page\b": "home page",
    r"\blook into\b": "see, check",
    r"\bgo on (?:from|with|there)\b|\bgoes on\b": "continue, resume",
    r"\bto start anew\b": "to start again",
    r"(?<!here )\bis no (?:model|folder|table|file|label)\b": "is not a",
    r"\bfor want of\b": "because",
}


@pytest.fixture(scope="module", params=SURFACES)
def surface(request: pytest.FixtureRequest) -> tuple[str, list[str]]:
    if request.param == "pages" and not (REPOSITORY / "frontend/node_modules/typescript").exists():
        pytest.skip("the pages are read by TypeScript, which is not installed")
    return request.param, strings(request.param)


def test_the_list_has_the_words_of_each_surface(surface: tuple[str, list[str]]) -> None:
    name, found = surface
    assert any(line.startswith(f"{KNOWN[name]}:") for line in found)
    assert not [line for line in found if not re.match(r"[\w./-]+:\d+: \S", line)]


def test_no_words_that_have_a_plainer_one(surface: tuple[str, list[str]]) -> None:
    _name, found = surface
    wrong = [f"{line}\n   rather: {say}" for line in found for old, say in SAY.items() if re.search(old, line, re.I)]
    assert wrong == [], "\n".join(wrong)


def test_the_glossary_has_thirty_terms_at_most() -> None:
    terms = re.findall(r"^\| \*\*(.+?)\*\* \| (.+?) \|$", read("docs/reference/glossary.md"), flags=re.MULTILINE)
    assert 20 <= len(terms) <= 30
    assert [name for name, meaning in terms if len(meaning) < 40] == []
