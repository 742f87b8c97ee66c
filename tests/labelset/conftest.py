from pathlib import Path

import pytest

from tests.labelset.sets import write_set


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished set of 50 galaxies. Read only: tests that spoil one make their own."""
    folder = tmp_path_factory.mktemp("labelset") / "small"
    write_set(folder)
    return folder
