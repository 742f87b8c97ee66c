"""One small label set for all tests of training."""

from pathlib import Path

import pytest

from giz.labelset import LabelSet
from giz.training.nn.data import TrainingData
from tests.training.discs import write_discs


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A label set of 600 plain disks of 32 px. Read only."""
    return write_discs(tmp_path_factory.mktemp("labelset") / "discs", 600)


@pytest.fixture(scope="session")
def data(discs: Path) -> TrainingData:
    return TrainingData.of(LabelSet.open(discs))
