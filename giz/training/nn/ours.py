"""Our network: all bands, and the same answer however the picture is turned by quarters or mirrored.

Answers are the inclination and its uncertainty, the probability of rejection, and the reasons. Bands may be missing.
Greys and colour are looked at separately and the two answers are joined: colour pictures of real galaxies often come
from another survey or reduction than the greys, so what synthetic galaxies teach about the two together would mislead.

Its layers are convolutions over the eight symmetries of the square (group D4): a feature is eight channels, one for
each symmetry, and turning or mirroring the picture permutes them exactly. With weights shared over the group, a network
learns from one picture what it would otherwise need eight for, at the cost of a plain network of the same width
(Cohen & Welling 2016, "Group Equivariant Convolutional Networks").
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from giz.core.vocabulary import BANDS, REASONS
from giz.training.nn.batches import Predictions, Sample
from giz.training.nn.data import BIN_COUNT, CHANNEL_COUNT, CHANNELS, COLOUR_INDEX, HIGHEST_DEG, LOWEST_DEG
from giz.training.nn.kinds import Task

# Number of symmetries of the square.
ORDER = 8
# One bin a degree. The bins reach beyond 45 to 90, so that the mean of a label's bins is the label at the edges, too.
FIRST_BIN_DEG, LAST_BIN_DEG = 40, 95
LABEL_WIDTH_DEG = 2.0
# A field of 2 x D25 is half empty: its outer eighths show nothing of the disk and cost almost half of the work.
# The rest is halved four times, and only even sides stay symmetric.
INNER_SHARE, SIDE_MULTIPLE_PX = 3 / 4, 16
# Of the loss beside the cross-entropy of the bins, which teaches the whole distribution: the published mean, the
# verdict and the reasons.
MEAN_LOSS_SHARE, VERDICT_LOSS_SHARE, REASON_LOSS_SHARE = 0.02, 0.5, 0.3


@cache
def elements() -> tuple[tuple[bool, int], ...]:
    """Return the group: mirrored left to right or not, then 0 to 3 quarter turns."""
    return tuple((mirrored, turns) for mirrored in (False, True) for turns in range(4))


def transform(pixels: Tensor, element: tuple[bool, int]) -> Tensor:
    """Mirror and turn the last two axes."""
    mirrored, turns = element
    return torch.rot90(pixels.flip(-1) if mirrored else pixels, turns, (-2, -1))


@cache
def _products() -> tuple[tuple[int, ...], ...]:
    """Return the group's table: [g][h] is the number of the element that does h first, then g."""
    probe = torch.arange(9).view(3, 3)
    seen = {tuple(transform(probe, element).flatten().tolist()): n for n, element in enumerate(elements())}
    return tuple(
        tuple(seen[tuple(transform(transform(probe, h), g).flatten().tolist())] for h in elements()) for g in elements()
    )


def _gather_index(kernel: int, group_in: int) -> Tensor:
    """(8 * group_in * k * k,) the weight of one base filter that each weight of the expanded filters equals."""
    products, taps = _products(), torch.arange(group_in * kernel * kernel).view(group_in, kernel, kernel)
    rows = []
    for number, element in enumerate(elements()):
        turned = transform(taps, element)
        if group_in == ORDER:
            # The filter of g reads from channel h what the base reads from g^-1 h.
            inverse = next(n for n in range(ORDER) if products[number][n] == 0)
            turned = turned[[products[inverse][h] for h in range(ORDER)]]
        rows.append(turned.flatten())
    return torch.cat(rows)


class GroupConv(nn.Module):
    """Convolution from (n, 8 into, H, W) to (n, 8 out, H, W); `lifting`: from a plain picture (n, into, H, W)."""

    index: Tensor

    def __init__(
        self, into: int, out: int, kernel: int, *, stride: int = 1, padding: int = 0, lifting: bool = False
    ) -> None:
        super().__init__()
        self.into, self.out, self.kernel, self.stride, self.padding = into, out, kernel, stride, padding
        self.group_in = 1 if lifting else ORDER
        fan_in = into * self.group_in * kernel * kernel
        self.weight = nn.Parameter(torch.randn(out, into, fan_in // into) * math.sqrt(2.0 / fan_in))
        self.register_buffer("index", _gather_index(kernel, self.group_in), persistent=False)

    def filters(self) -> Tensor:
        """Return the filters of the equivalent plain convolution: (8 out, into x group, k, k)."""
        shape = (self.out, self.into, ORDER, self.group_in, self.kernel, self.kernel)
        spread = self.weight.index_select(2, self.index).view(shape).transpose(1, 2)
        return spread.reshape(self.out * ORDER, self.into * self.group_in, self.kernel, self.kernel)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.filters(), stride=self.stride, padding=self.padding)


class GroupNorm8(nn.Module):
    """Batch norm with one scale and shift per feature; outside training, one mean and variance per feature, too."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, features: int, *, momentum: float = 0.1, eps: float = 1e-5) -> None:
        super().__init__()
        self.features, self.momentum, self.eps = features, momentum, eps
        self.weight, self.bias = nn.Parameter(torch.ones(features)), nn.Parameter(torch.zeros(features))
        self.register_buffer("running_mean", torch.zeros(features * ORDER))
        self.register_buffer("running_var", torch.ones(features * ORDER))

    def forward(self, x: Tensor) -> Tensor:
        scale, shift = self.weight.repeat_interleave(ORDER), self.bias.repeat_interleave(ORDER)
        if self.training:
            return self.learn(x, scale, shift)
        known = (self.running_mean, self.running_var)
        mean, variance = (values.view(-1, ORDER).mean(1).repeat_interleave(ORDER) for values in known)
        return functional.batch_norm(x, mean, variance, scale, shift, eps=self.eps)

    def learn(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Normalise by mean and variance of the batch, and update the running ones."""
        return functional.batch_norm(
            x, self.running_mean, self.running_var, scale, shift, True, self.momentum, self.eps
        )


def group_view(x: Tensor) -> Tensor:
    """View (n, 8 features) as (n, features, 8)."""
    return x.view(x.shape[0], -1, ORDER)


@dataclass(frozen=True, slots=True)
class OursShape:
    """Number of features (eight channels each) of each stage and of the last layers."""

    stem: int = 4
    stages: tuple[int, ...] = (8, 16, 28)
    features: int = 48
    hidden: int = 128


class Stage(nn.Module):
    """Halve the side and widen, then a residual convolution: (n, 8 into, S, S) to (n, 8 out, S/2, S/2)."""

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
    """Raw answers about n pictures, as logits: (n, 56) bins of the inclination, (n,) rejection, (n, 9) reasons."""

    bins: Tensor
    rejected: Tensor
    reasons: Tensor


class OurNet(nn.Module):
    """Input (n, 6, S, S) in 0 to 1 (g, r, i, red, green, blue) and (n, 4) of ones where a band is present."""

    task: Task = "both"
    all_bands = True
    degrees: Tensor

    def __init__(self, shape: OursShape | None = None) -> None:
        super().__init__()
        self.shape = shape = shape or OursShape()
        # A missing band is a picture of zeros; a bias for each band that is present tells it from a black one.
        self.stem = GroupConv(CHANNEL_COUNT, shape.stem, 6, stride=2, padding=2, lifting=True)
        self.presence = nn.Linear(len(BANDS), shape.stem)
        self.stem_norm = GroupNorm8(shape.stem)
        widths = (shape.stem, *shape.stages)
        self.stages = nn.ModuleList(Stage(into, out) for into, out in pairwise(widths))
        self.last = GroupConv(shape.stages[-1], shape.features, 1)
        self.last_norm = GroupNorm8(shape.features)
        self.mix = nn.Linear(4 * shape.features, shape.hidden)
        self.bins = nn.Linear(shape.hidden, LAST_BIN_DEG - FIRST_BIN_DEG + 1)
        self.verdict = nn.Linear(shape.hidden, 1 + len(REASONS))
        self.register_buffer("degrees", torch.arange(FIRST_BIN_DEG, LAST_BIN_DEG + 1.0), persistent=False)

    def learn_last_layers_only(self) -> None:
        """Freeze the layers that look at the picture. The verdict learns on: it reads what `mix` gives."""
        self.requires_grad_(False)
        for layer in (self.mix, self.bins, self.verdict):
            layer.requires_grad_(True)

    def forward(self, pictures: Tensor, present: Tensor) -> Answers:
        # After this greys and colour are about 0 on average; what is missing is exactly 0.
        x = self.stem((without_rim(pictures) - 0.5) * channel_mask(present) * 2.0)
        x = x + self.presence(present).repeat_interleave(ORDER, dim=1).unsqueeze(2).unsqueeze(3)
        x = functional.relu(self.stem_norm(x))
        for stage in self.stages:
            x = stage(x)
        x = functional.relu(self.last_norm(self.last(x)))
        # Mean and maximum over the picture, then over the symmetries, which removes the orientation.
        means, peaks = group_view(x.mean((2, 3))), group_view(x.amax((2, 3)))
        features = torch.cat([means.mean(2), means.amax(2), peaks.mean(2), peaks.amax(2)], dim=1)
        hidden = functional.silu(self.mix(features))
        verdict = self.verdict(hidden)
        return Answers(self.bins(hidden).float(), verdict[:, 0].float(), verdict[:, 1:].float())

    def loss(self, sample: Sample) -> Tensor:
        answers = self(sample.pictures, sample.present)
        measured, truth_deg = sample.is_measured, sample.inclination_deg[sample.is_measured]
        bins = answers.bins[measured]
        inclination = functional.cross_entropy(bins, self.soft_labels(truth_deg))
        mean_deg = (torch.softmax(bins, 1) * self.degrees).sum(1)
        published = functional.smooth_l1_loss(mean_deg, truth_deg, beta=2.0)
        # The rejected weigh as much as the accepted, of which there are three times as many.
        rejected = (~measured).float()
        weight = torch.where(measured, 0.5 / measured.sum(), 0.5 / rejected.sum())
        verdict = functional.binary_cross_entropy_with_logits(answers.rejected, rejected, weight, reduction="sum")
        reasons = functional.binary_cross_entropy_with_logits(answers.reasons[~measured], sample.reasons[~measured])
        return inclination + MEAN_LOSS_SHARE * published + VERDICT_LOSS_SHARE * verdict + REASON_LOSS_SHARE * reasons

    def predict(self, sample: Sample) -> Predictions:
        return Predictions(*self.joined(sample.pictures, sample.present))

    def joined(self, pictures: Tensor, present: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Ask about the greys and about colour, and weigh each answer by its own certainty.

        Returns
        -------
        Inclination and its sigma, degrees (n,); logits of rejection (n,) and of the reasons (n, 9).
        """
        n, is_grey = present.shape[0], torch.ones_like(present)
        is_grey[:, COLOUR_INDEX:] = 0.0
        looks = torch.cat([present * is_grey, present * (1.0 - is_grey)])
        answers = self(torch.cat([pictures, pictures]), looks)
        mean, sigma = self.mean_and_sigma(answers.bins)
        there = (looks.sum(1) > 0.0).to(mean.dtype)
        # Where no band is present at all, both looks count: a meaningless number, but no division by zero.
        there = torch.where((there[:n] + there[n:] > 0.0).repeat(2), there, torch.ones_like(there))
        weight = there / sigma**2
        total = weight[:n] + weight[n:]
        share, votes = weight / total.repeat(2), there / (there[:n] + there[n:]).repeat(2)

        def both(values: Tensor, by: Tensor) -> Tensor:
            weighed = values * (by if values.ndim == 1 else by.unsqueeze(1))
            return weighed[:n] + weighed[n:]

        return both(mean, share), total.rsqrt(), both(answers.rejected, votes), both(answers.reasons, votes)

    def soft_labels(self, inclination_deg: Tensor) -> Tensor:
        """Return (n, bins), a normalised Gaussian about each label (n,)."""
        distance = (self.degrees - inclination_deg.unsqueeze(1)) / LABEL_WIDTH_DEG
        return torch.softmax(-0.5 * distance**2, dim=1)

    def mean_and_sigma(self, bins: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation of the bins, degrees (n,), less the width of the labels themselves."""
        share = torch.softmax(bins, dim=1)
        mean = (share * self.degrees).sum(1)
        variance = (share * (self.degrees - mean.unsqueeze(1)) ** 2).sum(1) - LABEL_WIDTH_DEG**2
        return mean, variance.clamp(min=0.25).sqrt()


def without_rim(pictures: Tensor) -> Tensor:
    """Return the central three quarters of square pictures (n, c, S, S)."""
    side = pictures.shape[-1]
    inner = max(int(INNER_SHARE * side) // SIDE_MULTIPLE_PX, 1) * SIDE_MULTIPLE_PX
    rim = (side - inner) // 2
    return pictures[:, :, rim : rim + inner, rim : rim + inner]


def channel_mask(present: Tensor) -> Tensor:
    """Return (n, 6, 1, 1) of ones where the band of a channel is present, from (n, 4)."""
    widths = [CHANNELS[band].stop - CHANNELS[band].start for band in CHANNELS]
    parts = [present[:, number : number + 1].expand(-1, width) for number, width in enumerate(widths)]
    return torch.cat(parts, dim=1).view(-1, 6, 1, 1)


class Served(nn.Module):
    """The network as it is served: probabilities and intervals calibrated on the validation galaxies.

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
        """Return (n,) inclination; (n, 2) half widths of the 68 and 95 % intervals; (n,) rejection; (n, 9) reasons."""
        mean_deg, sigma_deg, rejected, reasons = self.network.joined(pictures, present)
        inclination_deg = mean_deg.clamp(LOWEST_DEG, HIGHEST_DEG)
        bins = ((inclination_deg - LOWEST_DEG) / 5.0).floor().clamp(0, BIN_COUNT - 1).long()
        has_several = (present.sum(1) > 1.5).long()
        half_widths_deg = sigma_deg.unsqueeze(1) * self.widths.flatten(0, 1)[has_several * BIN_COUNT + bins]
        rejection = torch.sigmoid(rejected / self.temperature)
        return inclination_deg, half_widths_deg, rejection, torch.sigmoid(reasons)
