"""Layers that turn and mirror with the picture: convolutions over the eight symmetries of the square (group D4).

A feature is eight channels, one for each symmetry; turning or mirroring the picture permutes them, exactly. Sharing the
weights over the group makes a network learn from a picture what it would need eight for, at the cost of a plain network
of the same width (Cohen & Welling 2016, "Group Equivariant Convolutional Networks").
"""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional

ORDER = 8


@cache
def elements() -> tuple[tuple[bool, int], ...]:
    """The group: mirror left to right or not, then 0 to 3 quarter turns."""
    return tuple((mirrored, turns) for mirrored in (False, True) for turns in range(4))


def transform(pixels: Tensor, element: tuple[bool, int]) -> Tensor:
    """Mirror and turn the last two axes."""
    mirrored, turns = element
    return torch.rot90(pixels.flip(-1) if mirrored else pixels, turns, (-2, -1))


@cache
def _products() -> tuple[tuple[int, ...], ...]:
    """[g][h] is the number of the element that does h first, then g."""
    probe = torch.arange(9).view(3, 3)
    seen = {tuple(transform(probe, element).flatten().tolist()): n for n, element in enumerate(elements())}
    return tuple(
        tuple(seen[tuple(transform(transform(probe, h), g).flatten().tolist())] for h in elements()) for g in elements()
    )


def _gather_index(kernel: int, group_in: int) -> Tensor:
    """(8 * group_in * k * k,) where each weight of the expanded filters is found in one filter of the base."""
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
    """Convolution from `into` to `out` features. The first layer reads a plain picture (`lifting`)."""

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
        """The filters as a plain convolution has them: (8 out, into x group, k, k)."""
        shape = (self.out, self.into, ORDER, self.group_in, self.kernel, self.kernel)
        spread = self.weight.index_select(2, self.index).view(shape).transpose(1, 2)
        return spread.reshape(self.out * ORDER, self.into * self.group_in, self.kernel, self.kernel)

    def forward(self, x: Tensor) -> Tensor:
        return functional.conv2d(x, self.filters(), stride=self.stride, padding=self.padding)


class GroupNorm8(nn.Module):
    """Batch norm with one scale and shift a feature; in use, one mean and variance a feature, too."""

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
        """By mean and variance of the batch; remembers them."""
        return functional.batch_norm(
            x, self.running_mean, self.running_var, scale, shift, True, self.momentum, self.eps
        )


def group_view(x: Tensor) -> Tensor:
    """(n, 8 features) as (n, features, 8)."""
    return x.view(x.shape[0], -1, ORDER)
