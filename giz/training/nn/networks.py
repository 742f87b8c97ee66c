"""Networks by name: ours, and the original's, layer by layer as published (SCIENCE.md section 5).

The original's: all convolutions 3 x 3, unpadded, ReLU; input (n, 3, 128, 128), greys replicated, 0 to 1.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from giz.core.vocabulary import BANDS
from giz.training.nn.batches import Predictions, Sample
from giz.training.nn.data import CHANNEL_COUNT, CHANNELS
from giz.training.nn.kinds import OURS, REFERENCE_SIZE_PX, Task, check_network
from giz.training.nn.ours import OurNet

MIDDLE_DEG, HALF_RANGE_DEG = 67.5, 22.5
# Dropout of a quarter: 64 of the 256 values of a byte.
DROPPED_BYTES = 64
# (bands, 3) the channels that a network of three channels sees of each band.
_THREE_OF_BAND = torch.tensor([(3 * [*range(CHANNEL_COUNT)[CHANNELS[band]]])[:3] for band in BANDS])


@dataclass(frozen=True, slots=True)
class Block:
    """Two convolutions of `width` channels, batch norm where the original has it, then pooling by `pool`."""

    width: int
    pool: int
    has_norm: bool
    has_dropout: bool = True


# The blocks, then the widths of the dense layers.
REFERENCES: dict[str, tuple[tuple[Block, ...], tuple[int, ...]]] = {
    "model4": ((Block(16, 2, False), Block(32, 4, True)), (256, 32, 8)),
    "model5": ((Block(128, 2, False), Block(256, 4, True), Block(256, 4, True, False)), (256, 128, 64, 8)),
    "model6": ((Block(32, 2, False), Block(64, 4, True)), (128, 64, 8)),
}


class QuarterDropout(nn.Module):
    """Dropout of 0.25 from random bytes: torch's own draws eight times as many, a twentieth of a step of model4."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=x.device).random_(-(2**63), None)
        keep = (words.view(torch.uint8)[: x.numel()] >= DROPPED_BYTES).to(x.dtype).mul_(256 / (256 - DROPPED_BYTES))
        # In the memory format of x; the features are dense in either format.
        return x * keep.as_strided(x.shape, x.stride())


class ReferenceNet(nn.Module):
    """model4, model5 or model6, which take one band at a time: inclination in degrees, or a verdict if `binary`."""

    all_bands = False

    def __init__(self, name: str, *, binary: bool = False) -> None:
        super().__init__()
        blocks, dense = REFERENCES[name]
        layers: OrderedDict[str, nn.Module] = OrderedDict()
        width, side = 3, REFERENCE_SIZE_PX
        for number, block in enumerate(blocks, start=1):
            layers[f"conv{number}a"] = nn.Conv2d(width, block.width, 3)
            layers[f"relu{number}a"] = nn.ReLU(inplace=True)
            layers[f"conv{number}b"] = nn.Conv2d(block.width, block.width, 3)
            pool, relu = nn.MaxPool2d(block.pool), nn.ReLU(inplace=True)
            if block.has_norm:
                layers[f"relu{number}b"] = relu
                layers[f"norm{number}"] = nn.BatchNorm2d(block.width, eps=1e-3, momentum=0.01)
                layers[f"pool{number}"] = pool
            else:  # ReLU after pooling: the same numbers as before it, for a quarter of the work
                layers[f"pool{number}"] = pool
                layers[f"relu{number}b"] = relu
            if block.has_dropout:
                layers[f"drop{number}"] = QuarterDropout()
            width, side = block.width, (side - 4) // block.pool
        self.features = nn.Sequential(layers)
        self.head = _dense((width * side * side, *dense, 2 if binary else 1))
        self.is_binary = binary
        self.task: Task = "verdict" if binary else "regression"

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (n, 3, 128, 128) to (n,) degrees, or (n, 2) logits of accepted and rejected."""
        out: Tensor = self.head(self.features(pictures).flatten(1))
        if self.is_binary:
            return out
        return MIDDLE_DEG + HALF_RANGE_DEG * torch.tanh(out.float()).squeeze(1)

    def loss(self, sample: Sample) -> Tensor:
        answers = self(three_channels(sample))
        if self.is_binary:
            return functional.cross_entropy(answers.float(), (~sample.is_measured).long())
        return functional.mse_loss(answers / HALF_RANGE_DEG, sample.inclination_deg / HALF_RANGE_DEG)

    def predict(self, sample: Sample) -> Predictions:
        answers = self(three_channels(sample)).float()
        if self.is_binary:
            return Predictions(rejected=answers[:, 1] - answers[:, 0])
        return Predictions(inclination_deg=answers)


def _dense(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for into, out in pairwise(widths):
        layers += [nn.Linear(into, out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


def three_channels(sample: Sample) -> Tensor:
    """Return the main band of each picture as (n, 3, S, S): colour as it is, a grey three times."""
    rows, channels = torch.arange(len(sample.pictures)).unsqueeze(1), _THREE_OF_BAND[sample.main_band.cpu()]
    return sample.pictures[rows, channels].contiguous(memory_format=torch.channels_last)


class ServedReference(nn.Module):
    """A reference network with the inputs and outputs of its ONNX file."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, pictures: Tensor) -> Tensor:
        """Map (n, 3, 128, 128) to (n,) degrees, or (n,) probability of rejection."""
        answers: Tensor = self.network(pictures)
        return answers if answers.ndim == 1 else torch.softmax(answers, dim=1)[:, 1]


# What can be trained: modules with `task`, `all_bands`, `loss(sample)` and `predict(sample)`.
Trainable = OurNet | ReferenceNet


def network_for(name: str, size_px: int) -> Trainable:
    """Build the untrained network of this name; its weights come from torch's random numbers.

    Raises
    ------
    TrainingError
        ``unknown_network``, ``bad_size``.
    """
    check_network(name, size_px)
    return OurNet() if name == OURS else ReferenceNet(name.partition("-")[0], binary=name.endswith("-binary"))
