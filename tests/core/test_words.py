"""Numbers in sentences."""

import pytest

from giz.core.words import counted, n_galaxies, signed


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
        (signed(3, 2), "+3.00"),
    ],
)
def test_numbers_agree_with_their_nouns(said: str, words: str) -> None:
    assert said == words
