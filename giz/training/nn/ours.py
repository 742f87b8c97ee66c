"""Our network: all bands, the same answer however the picture is turned by quarters or mirrored.

It answers the inclination with its distribution, the probability of rejection, and the reasons. Bands may be missing.
It looks at the greys together and at colour by itself, and the two answers are joined: colour pictures of real galaxies
are often made apart from the greys (another survey, another cut), and what a network learns of how the two go together
in synthetic galaxies misleads it there.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from giz.training.nn.augment import channel_mask
from giz.training.nn.batches import COLOUR_INDEX
from giz.training.nn.data import BANDS, BIN_COUNT, CHANNEL_COUNT, HIGHEST_DEG, LOWEST_DEG, REASON_CODES
from giz.training.nn.equivariant import ORDER, GroupConv, GroupNorm8, group_view

# One bin a degree. The bins reach beyond 45 to 90, so that the mean of a label's bins is the label at the edges, too.
FIRST_BIN_DEG, LAST_BIN_DEG = 40, 95
LABEL_WIDTH_DEG = 2.0
# A field of 2 x D25 is half empty: its outer eighths tell nothing of the disk and cost almost half of the work. What is
# left is halved four times, and only even sides stay symmetric.
INNER_SHARE, SIDE_MULTIPLE_PX = 3 / 4, 16


@dataclass(frozen=True, slots=True)
class OursShape:
    """Features of each stage (eight channels each) and of the last layers."""

    stem: int = 4
    stages: tuple[int, ...] = (8, 16, 28)
    features: int = 48
    hidden: int = 128


class Stage(nn.Module):
    """Halve the side, widen, then add what a second convolution finds."""

    def __init__(self, into: int, out: int) -> None:
        super().__init__()
        self.conv1 = GroupConv(into, out, 3, padding=1)
        self.norm1 = GroupNorm8(out)
        self.conv2 = GroupConv(out, out, 3, padding=1)
        self.norm2 = GroupNorm8(out)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.relu(self.norm1(self.conv1(functional.max_pool2d(x, 2))))
        return functional.relu(x + self.norm2(self.conv2(x)))


@dataclass(frozen=True, slots=True)
class Answers:
    """What the network says about n pictures: bins of the inclination, rejection and reasons, all as logits."""

    bins: Tensor
    rejected: Tensor
    reasons: Tensor


class OurNet(nn.Module):
    """Input (n, 6, S, S) in 0 to 1 (g, r, i, red, green, blue) and (n, 4) of ones where a band is there."""

    degrees: Tensor

    def __init__(self, shape: OursShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or OursShape()
        # A missing band is an image of zeros; a bias of its own for each band that is there tells the two apart.
        self.stem = GroupConv(CHANNEL_COUNT, shape.stem, 6, stride=2, padding=2, lifting=True)
        self.presence = nn.Linear(len(BANDS), shape.stem)
        self.stem_norm = GroupNorm8(shape.stem)
        widths = (shape.stem, *shape.stages)
        self.stages = nn.ModuleList(Stage(into, out) for into, out in pairwise(widths))
        self.last = GroupConv(shape.stages[-1], shape.features, 1)
        self.last_norm = GroupNorm8(shape.features)
        self.mix = nn.Linear(4 * shape.features, shape.hidden)
        self.bins = nn.Linear(shape.hidden, LAST_BIN_DEG - FIRST_BIN_DEG + 1)
        self.verdict = nn.Linear(shape.hidden, 1 + len(REASON_CODES))
        self.register_buffer("degrees", torch.arange(FIRST_BIN_DEG, LAST_BIN_DEG + 1.0), persistent=False)

    def forward(self, pictures: Tensor, present: Tensor) -> Answers:
        # Greys and colour alike are about 0 on average after this; what is missing is exactly 0.
        x = self.stem((without_rim(pictures) - 0.5) * channel_mask(present) * 2.0)
        x = x + self.presence(present).repeat_interleave(ORDER, dim=1).unsqueeze(2).unsqueeze(3)
        x = functional.relu(self.stem_norm(x))
        for stage in self.stages:
            x = stage(x)
        x = functional.relu(self.last_norm(self.last(x)))
        # Mean and maximum over the picture, then over the symmetries: nothing of the orientation is left.
        means, peaks = group_view(x.mean((2, 3))), group_view(x.amax((2, 3)))
        features = torch.cat([means.mean(2), means.amax(2), peaks.mean(2), peaks.amax(2)], dim=1)
        hidden = functional.silu(self.mix(features))
        verdict = self.verdict(hidden)
        return Answers(self.bins(hidden).float(), verdict[:, 0].float(), verdict[:, 1:].float())

    def soft_labels(self, inclination_deg: Tensor) -> Tensor:
        """(n, bins) a Gaussian about each label, which sums to one."""
        distance = (self.degrees - inclination_deg.unsqueeze(1)) / LABEL_WIDTH_DEG
        return torch.softmax(-0.5 * distance**2, dim=1)

    def mean_and_sigma(self, bins: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the bins, degrees; the width of the labels themselves is taken off."""
        share = torch.softmax(bins, dim=1)
        mean = (share * self.degrees).sum(1)
        variance = (share * (self.degrees - mean.unsqueeze(1)) ** 2).sum(1) - LABEL_WIDTH_DEG**2
        return mean, variance.clamp(min=0.25).sqrt()


def without_rim(pictures: Tensor) -> Tensor:
    """The central three quarters of square pictures (n, c, S, S)."""
    side = pictures.shape[-1]
    inner = max(int(INNER_SHARE * side) // SIDE_MULTIPLE_PX, 1) * SIDE_MULTIPLE_PX
    rim = (side - inner) // 2
    return pictures[:, :, rim : rim + inner, rim : rim + inner]


@dataclass(frozen=True, slots=True)
class Joined:
    """What the looks at greys and at colour say together: degrees (n,), logits (n,) and (n, 9)."""

    mean_deg: Tensor
    sigma_deg: Tensor
    rejected: Tensor
    reasons: Tensor


def joined_answers(network: OurNet, pictures: Tensor, present: Tensor) -> Joined:
    """Ask about the greys and about colour; each counts by its own certainty, and not at all where it is not there."""
    n, is_grey = present.shape[0], torch.ones_like(present)
    is_grey[:, COLOUR_INDEX:] = 0.0
    looks = torch.cat([present * is_grey, present * (1.0 - is_grey)])
    answers = network(torch.cat([pictures, pictures]), looks)
    mean, sigma = network.mean_and_sigma(answers.bins)
    there = (looks.sum(1) > 0.0).to(mean.dtype)
    # Where nothing at all is there, both looks answer: a number, for what it is worth, and no division by zero.
    there = torch.where((there[:n] + there[n:] > 0.0).repeat(2), there, torch.ones_like(there))
    weight = there / sigma**2
    total = weight[:n] + weight[n:]
    share, votes = weight / total.repeat(2), there / (there[:n] + there[n:]).repeat(2)

    def both(values: Tensor, by: Tensor) -> Tensor:
        weighed = values * (by if values.ndim == 1 else by.unsqueeze(1))
        return weighed[:n] + weighed[n:]

    return Joined(both(mean, share), total.rsqrt(), both(answers.rejected, votes), both(answers.reasons, votes))


class Served(nn.Module):
    """The network as it is used: numbers that mean something, calibrated on the validation galaxies.

    temperature : divides the logit of rejection. widths : (2, 9, 2) half widths of the 68 and 95 % intervals in units
    of the network's own sigma, for one band and for several, by the 5-degree bin of the answer.
    """

    temperature: Tensor
    widths: Tensor

    def __init__(self, network: OurNet) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("temperature", torch.ones(()))
        self.register_buffer("widths", torch.tensor([1.0, 1.96]).repeat(2, BIN_COUNT, 1))

    def forward(self, pictures: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(n,) inclination; (n, 2) half widths of the 68 and 95 % intervals; (n,) rejection; (n, 9) reasons."""
        answers = joined_answers(self.network, pictures, present)
        inclination_deg = answers.mean_deg.clamp(LOWEST_DEG, HIGHEST_DEG)
        bins = ((inclination_deg - LOWEST_DEG) / 5.0).floor().clamp(0, BIN_COUNT - 1).long()
        has_several = (present.sum(1) > 1.5).long()
        half_widths_deg = answers.sigma_deg.unsqueeze(1) * self.widths.flatten(0, 1)[has_several * BIN_COUNT + bins]
        rejection = torch.sigmoid(answers.rejected / self.temperature)
        return inclination_deg, half_widths_deg, rejection, torch.sigmoid(answers.reasons)
