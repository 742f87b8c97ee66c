"""Numbers in sentences."""

import pytest

from giz.core.words import counted, n_galaxies, near_names, plain, signed


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (counted(0, "vote"), "0 votes"),
        (counted(1, "vote"), "1 vote"),
        (counted(0.8, "vote"), "1 vote"),
        (counted(1.4, "vote"), "1 vote"),
        (counted(1.6, "vote"), "2 votes"),
        (counted(1234, "vote"), "1,234 votes"),
        (counted(2, "person", "people"), "2 people"),
        (n_galaxies(1), "1 galaxy"),
        (n_galaxies(12_000), "12,000 galaxies"),
        (signed(-0.25, 1), "−0.2"),
        (signed(-0.26, 1), "−0.3"),
        (signed(3, 2), "+3.00"),
        (signed(12_000, 0), "+12,000"),
        (signed(-0.001, 2), "0.00"),
        (signed(0.001, 2), "0.00"),
        (signed(-0.006, 2), "−0.01"),
        (plain(-0.001, 2), "0.00"),
        (plain(-0.25, 2), "−0.25"),
        (plain(1234.5, 1), "1,234.5"),
    ],
)
def test_numbers_agree_with_their_nouns(said: str, words: str) -> None:
    assert said == words


def test_a_mistyped_name_gets_a_hint_and_an_unknown_one_the_list() -> None:
    assert near_names("covrage", ["coverage", "people"]) == "Did you mean coverage?"
    assert near_names("xyz", ["a", "b", "a"]) == "There are: a, b."
    assert near_names("xyz", map(str, range(22))).endswith("19 and 2 more.")
    assert near_names("xyz", []) == ""
