"""The original's reference networks, layer by layer as published (NETWORKS of the design; SCIENCE.md section 5).

All convolutions 3 x 3, unpadded, ReLU; input (n, 3, 128, 128), greys replicated, 0 to 1.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from giz.training.nn.names import REFERENCE_SIZE_PX

MIDDLE_DEG, HALF_RANGE_DEG = 67.5, 22.5
# Dropout of a quarter: 64 of the 256 values of a byte.
DROPPED_BYTES = 64


@dataclass(frozen=True, slots=True)
class Block:
    """Two convolutions of `width`, batch norm where the original has it, then pooling by `pool`."""

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
    """Dropout of 0.25 from random bytes: torch's own draws eight times as much, a twentieth of a step of model4."""

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return x
        words = torch.empty((x.numel() + 7) // 8, dtype=torch.int64, device=x.device).random_(-(2**63), None)
        keep = (words.view(torch.uint8)[: x.numel()] >= DROPPED_BYTES).to(x.dtype).mul_(256 / (256 - DROPPED_BYTES))
        # Laid out as the pictures are; the features are dense in either format.
        return x * keep.as_strided(x.shape, x.stride())


class ReferenceNet(nn.Module):
    """model4, model5 or model6: inclination in degrees, or the logits of (accepted, rejected) where `binary`."""

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
            else:  # the same numbers as the other way round, from a quarter of the work
                layers[f"pool{number}"] = pool
                layers[f"relu{number}b"] = relu
            if block.has_dropout:
                layers[f"drop{number}"] = QuarterDropout()
            width, side = block.width, (side - 4) // block.pool
        self.features = nn.Sequential(layers)
        self.head = _dense((width * side * side, *dense, 2 if binary else 1))
        self.is_binary = binary

    def forward(self, pictures: Tensor) -> Tensor:
        """(n, 3, 128, 128) -> (n,) degrees, or (n, 2) logits."""
        out: Tensor = self.head(self.features(pictures).flatten(1))
        if self.is_binary:
            return out
        return MIDDLE_DEG + HALF_RANGE_DEG * torch.tanh(out.float()).squeeze(1)


def _dense(widths: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for into, out in pairwise(widths):
        layers += [nn.Linear(into, out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers[:-1])


def parameter_count(network: nn.Module) -> int:
    """Parameters as Keras counts them: the running mean and variance of batch norm, too."""
    learned = sum(p.numel() for p in network.parameters())
    return learned + sum(
        m.running_mean.numel() + m.running_var.numel()
        for m in network.modules()
        if isinstance(m, nn.BatchNorm2d) and m.running_mean is not None and m.running_var is not None
    )
