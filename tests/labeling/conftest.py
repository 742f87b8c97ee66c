"""The open campaign that the tests of labelling share."""

from collections.abc import Iterator

import pytest

from labeling.models import Campaign
from standards.selectors import set_standards
from tests.labeling.sky import make_campaign


@pytest.fixture(autouse=True)
def _fresh_pools() -> Iterator[None]:
    """Ids of one test's database must not be remembered in the next."""
    set_standards.cache_clear()
    yield
    set_standards.cache_clear()


@pytest.fixture
def campaign(db: None) -> Campaign:
    """``sky``: five targets, three different people each."""
    return make_campaign()
