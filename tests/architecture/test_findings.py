"""Faults that were found by trying: each has a test that keeps it closed, or the reason why it was left."""

import pytest

from tests.architecture.findings import DOCUMENT, filled, named_tests, rows
from tests.architecture.repository import read


def test_the_table_names_the_tests_of_each_finding() -> None:
    assert read(DOCUMENT) == filled(read(DOCUMENT)), "Run: python -m tests.architecture.findings"


def test_every_finding_that_a_test_names_stands_in_the_table() -> None:
    assert set(named_tests()) - set(rows(read(DOCUMENT))) == set()


def test_no_finding_names_a_test_that_is_gone() -> None:
    named = {finding for finding, (_, kept) in rows(read(DOCUMENT)).items() if "::" in kept}
    assert named - set(named_tests()) == set()


@pytest.mark.parametrize("number", range(1, 31))
def test_every_abuse_case_has_a_test_or_is_not_applicable(number: int) -> None:
    _what, kept = rows(read(DOCUMENT))[f"abuse A{number}"]
    assert "::" in kept or kept.startswith("N/A:")


def test_every_finding_has_a_test_or_a_reason() -> None:
    assert [finding for finding, (_, kept) in rows(read(DOCUMENT)).items() if len(kept) < 10] == []
