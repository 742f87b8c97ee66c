"""One small label set and one untrained network for all tests of training."""

from pathlib import Path

import pytest
import torch

from giz.labelset import LabelSet
from giz.training.nn.data import TrainingData
from giz.training.nn.export import export_onnx
from giz.training.nn.ours import OurNet, Served
from tests.training.discs import SIZE_PX, write_discs

# Tests run side by side: more threads would only wait for each other.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def discs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A label set of 600 plain disks of 32 px. Read only."""
    return write_discs(tmp_path_factory.mktemp("labelset") / "discs", 600)


@pytest.fixture(scope="session")
def data(discs: Path) -> TrainingData:
    return TrainingData.of(LabelSet.open(discs))


@pytest.fixture(scope="session")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file of our network as it is before training: its answers are the same each time, and wrong."""
    torch.manual_seed(3)
    path = tmp_path_factory.mktemp("model") / "model.onnx"
    export_onnx(Served(OurNet()).eval(), path, size_px=SIZE_PX, card={"network": "ours"})
    return path
