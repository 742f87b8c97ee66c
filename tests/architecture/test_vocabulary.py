"""One vocabulary: the choices of the database, and the pages' copy of the ruler, are those of the rules."""

import re

from giz.catalog.models import Band
from giz.core.vocabulary import COLOUR_FIRST, REASONS, VERDICT_NAMES
from labeling.models import Reason, Verdict
from standards import grid
from tests.architecture.repository import read


def test_the_choices_of_the_database_are_the_vocabulary() -> None:
    assert tuple(Band.values) == COLOUR_FIRST
    assert tuple(Reason.values) == REASONS
    assert tuple(Verdict.values) == tuple(VERDICT_NAMES)


def test_the_pages_have_the_bins_and_windows_of_the_ruler() -> None:
    text = read("frontend/src/features/compare/rules/grid.ts")
    found = dict(re.findall(r"^(?:export )?const (\w+)(?:: [^=]+)? = (.+);$", text, flags=re.MULTILINE))
    assert found.pop("STEP_A_BINS") == str(list(grid.STEP_A_BINS))
    assert found == {
        "FIRST_BIN": str(grid.GRID_BINS[0]),
        "LAST_BIN": str(grid.GRID_BINS[-1]),
        "WINDOW_PANELS": str(grid.WINDOW_PANELS),
        "FIRST_WINDOW": "FIRST_BIN",
        "LAST_WINDOW": "LAST_BIN - WINDOW_PANELS + 1",
        "WINDOW_OVERLAP_DEG": str(grid.WINDOW_OVERLAP_DEG),
        "SLIDE_DEG": str(grid.SLIDE_DEG),
    }
