"""Pixel operations of the augmentation: resampling, blur, stars, corners, tones, on parts of a batch.

Every operation works in place on its own copy and takes its random numbers from a `Recipe`, so that pictures come out
the same one by one and together.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from giz.core.vocabulary import GREYS
from giz.training.nn.data import CHANNEL_COUNT, CHANNELS, Rows

if TYPE_CHECKING:
    from giz.training.nn.augment import Draws


# The change of g, r, i (dark on white) and of red, green, blue by one unit of a bulge's light.
BULGE_TINT = (-1.0, -1.0, -1.0, 1.0, 0.85, 0.65)
# Radius in half sides (R25 is a half) within which an echo copies light.
ECHO_REACH = 0.75


@dataclass(frozen=True, eq=False)
class Piece:
    """Pictures of a batch that are changed together, all with the same channels: their numbers and channels."""

    numbers: Rows
    channel_numbers: Rows

    @cached_property
    def rows(self) -> slice | Tensor:
        return _run(self.numbers)

    @cached_property
    def channels(self) -> slice | Tensor:
        return _run(self.channel_numbers)

    @cached_property
    def place(self) -> tuple[slice | Tensor, slice | Tensor]:
        """The index of these channels of these pictures."""
        if isinstance(self.rows, Tensor) and isinstance(self.channels, Tensor):
            return self.rows[:, None], self.channels[None, :]
        return self.rows, self.channels

    def part(self, chosen: Rows) -> Piece:
        return Piece(self.numbers[chosen], self.channel_numbers)


def channel_width(band: str) -> int:
    return CHANNELS[band].stop - CHANNELS[band].start


def pieces(wanted: npt.NDArray[np.bool_], *, one_by_one: bool) -> Iterator[Piece]:
    """Split a batch, (n, 4) bands shown, into pictures with the same bands, or into single pictures."""
    for there in np.unique(wanted, axis=0):
        numbers = np.flatnonzero((wanted == there).all(axis=1))
        channels = np.flatnonzero(np.repeat(there, [channel_width(band) for band in CHANNELS]))
        if channels.size:
            yield from (
                Piece(part, channels) for part in (np.split(numbers, numbers.size) if one_by_one else [numbers])
            )


class Recipe:
    """The random numbers of a batch as tensors on the device, of shapes that broadcast over (n, 6, S, S)."""

    def __init__(self, drawn: Draws, is_inverted: npt.NDArray[np.bool_], side: int, device: torch.device) -> None:
        def tensor(values: npt.NDArray[Any]) -> Tensor:
            shaped = np.ascontiguousarray(values, np.float32)
            return torch.from_numpy(shaped.reshape(*shaped.shape[:2], 1, 1)).to(device)

        axis = (torch.arange(side, device=device) + 0.5) * (2.0 / side) - 1.0
        self.x, self.y = axis.view(1, 1, side), axis.view(1, side, 1)
        kind = drawn.fill[:, None].repeat(CHANNEL_COUNT, 1)
        self.is_sky, self.fill = tensor(kind == 0), tensor(kind == 1)
        self.matrix = tensor(_matrix(drawn))
        # Where it is made smaller, blur first by what the coarser pixels lack.
        self.is_smaller = drawn.zoom < 1.0
        self.shrink = tensor(np.maximum(drawn.zoom**-2 - 1.0, 0.0)[:, None] * 0.25)
        self.star = tensor(drawn.star[:, :5])
        self.tint = tensor(np.concatenate([np.full((len(kind), len(GREYS)), -1.0), drawn.star[:, 5:8]], axis=1))
        self.bulge = tensor(drawn.bulge)
        self.echo = tensor(drawn.echo)
        self.bulge_tint = torch.tensor(BULGE_TINT, device=device).view(-1, 1, 1)
        self.corner = tensor(np.stack([np.cos(drawn.corner[:, 0]), np.sin(drawn.corner[:, 0]), drawn.corner[:, 1]], 1))
        self.frame = tensor(drawn.frame)
        self.blur = tensor(drawn.blur[:, None])
        # A bent tone curve, contrast about the sky (so that the galaxy does not fade into it), brightness, inversion:
        # all of it is one polynomial of the second degree.
        is_grey = np.arange(CHANNEL_COUNT) < len(GREYS)
        flipped = np.outer(is_inverted, is_grey)
        sign, bend = 1.0 - 2.0 * flipped, drawn.bend[:, None]
        self.square = tensor(-bend * drawn.contrast * sign)
        self.slope = tensor((1.0 + bend) * drawn.contrast * sign)
        self.constant = tensor((is_grey * (1.0 - drawn.contrast) + drawn.brightness) * sign + flipped)
        self.noise = tensor(drawn.noise[:, None] * sign)

    @cached_property
    def inside(self) -> Tensor:
        """A weight (1, S, S) that fades outwards, so that stars and neighbours are not copied with the galaxy."""
        return (1.0 - (self.x**2 + self.y**2) / ECHO_REACH**2).clamp_(min=0.0).sqrt_()

    def find_fill(self, pictures: Tensor, drawn: Draws, piece: Piece) -> None:
        """Set the fill outside the pictures of this piece: sky, white or black."""
        if not (drawn.fill[piece.numbers] == 0).any():
            return
        # The outermost columns after turning, which are rows before a quarter turn.
        is_across = drawn.quarter_turns[piece.numbers] % 2 == 1
        sky = sky_of(pictures if not is_across.all() else pictures.transpose(2, 3))
        if is_across.any() and not is_across.all():
            across = np.flatnonzero(is_across)
            sky[across] = sky_of(pictures[across].transpose(2, 3))
        self.fill[piece.place] += self.is_sky[piece.place] * sky.view(*sky.shape, 1, 1)

    def resample(self, pixels: Tensor, piece: Piece) -> Tensor:
        """Turn, mirror, zoom and shift pictures (overwriting them), with the fill beyond their edges."""
        pixels = on_some(pixels, piece, self.is_smaller, lambda part, at: blurred(part, self.shrink[at.rows]))
        matrix = self.matrix[piece.rows]
        grid = pixels.new_empty((len(pixels), *pixels.shape[2:], 2))
        for n in (0, 1):
            torch.add(matrix[:, 3 * n] * self.x, matrix[:, 3 * n + 1] * self.y + matrix[:, 3 * n + 2], out=grid[..., n])
        fill = self.fill[piece.place]
        # Beyond the edges the sampler returns zeros, which become the fill when that is added again.
        moved = functional.grid_sample(pixels.sub_(fill), grid, mode="bilinear", align_corners=False)
        return moved.add_(fill)

    def add_bulge(self, pictures: Tensor, piece: Piece) -> Tensor:
        """Add round light at the centre of pictures (0 to 255) before they are moved: dark in greys, warm in colour."""
        bulge = self.bulge[piece.rows]
        light = (self.x**2 + self.y**2).sqrt().div(-bulge[:, 1]).exp_().mul_(255.0 * bulge[:, 0])
        changed = pictures.float().addcmul_(light.unsqueeze(1), self.bulge_tint[piece.channels])
        return changed.round_().clamp_(0.0, 255.0).to(pictures.dtype)

    def add_echo(self, pictures: Tensor, piece: Piece) -> Tensor:
        """Add a faint, larger and rounder copy of the galaxy behind it (0 to 255), before pictures are moved."""
        strength, along, across, side = self.echo[piece.rows].unbind(1)
        sign = self.bulge_tint[piece.channels].sign()
        pixels, sky = pictures.float(), sky_of(pictures).view(*pictures.shape[:2], 1, 1) * 255.0
        light = (pixels - sky).mul_(sign).clamp_(min=0.0).mul_(self.inside)
        grid = pixels.new_empty((len(pictures), *pictures.shape[2:], 2))
        grid[..., 0], grid[..., 1] = side * self.x / along, self.y / across
        copy = functional.grid_sample(light, grid, mode="bilinear", align_corners=False)
        pixels.addcmul_(copy.mul_(sign), strength.unsqueeze(1))
        return pixels.round_().clamp_(0.0, 255.0).to(pictures.dtype)

    def shine(self, pixels: Tensor, piece: Piece) -> Tensor:
        """Add stars, a saturated core with a wide halo: dark in greys, light in colour."""
        star = self.star[piece.rows]
        square = (self.x - star[:, 1]) ** 2 + (self.y - star[:, 2]) ** 2
        # Less than exp(-80) makes no difference, and denormal numbers are slow.
        light = (square / star[:, 3] ** 2).square_().clamp_(max=80.0).neg_().exp_()
        light.addcmul_(square.sqrt_().div_(-(0.08 + 0.4 * star[:, 4])).exp_(), star[:, 4])
        return pixels.addcmul_(light.unsqueeze(1), self.tint[piece.place]).clamp_(0.0, 1.0)

    def cut_corners(self, pixels: Tensor, piece: Piece) -> Tensor:
        """Put the fill where a frame that was turned has ended."""
        fill = self.fill[piece.place]
        cosine, sine, half = self.corner[piece.rows].unbind(1)
        reach = torch.maximum((self.x * cosine - self.y * sine).abs_(), (self.x * sine + self.y * cosine).abs_())
        return pixels.sub_(fill).mul_((reach <= half).float().unsqueeze(1)).add_(fill)

    def cut_frame(self, pixels: Tensor, grain: Tensor, piece: Piece) -> Tensor:
        """Sky beyond a square about the middle, with noise made of `grain` (of unit scatter); the edge is soft."""
        half, soft, scatter = self.frame[piece.rows].unbind(1)
        edges = torch.cat([pixels[..., :3], pixels[..., -3:]], dim=3).flatten(2)
        sky = edges.median(dim=2, keepdim=True).values
        noise = 1.4826 * (edges - sky).abs_().median(dim=2).values.view(*pixels.shape[:2], 1, 1)
        around = sky.unsqueeze(3) + noise * scatter.unsqueeze(1) * grain
        along = ((half - self.x.abs()) / soft).clamp_(0.0, 1.0)
        across = ((half - self.y.abs()) / soft).clamp_(0.0, 1.0)
        inside = torch.minimum(along, across).unsqueeze(1)
        return torch.lerp(around, pixels, inside * inside * (3.0 - 2.0 * inside))

    def change_tones(self, pixels: Tensor, piece: Piece) -> Tensor:
        """square x^2 + slope x + constant, for each picture and channel."""
        changed = pixels * self.square[piece.place]
        return changed.add_(self.slope[piece.place]).mul_(pixels).add_(self.constant[piece.place])


Change = Callable[[Tensor, Piece], Tensor]


def on_some(pixels: Tensor, piece: Piece, is_chosen: npt.NDArray[np.bool_], change: Change) -> Tensor:
    """Change some of the pictures of a piece in place, without copying if it is all of them."""
    chosen = is_chosen[piece.numbers]
    if chosen.all():
        return change(pixels, piece)
    if chosen.any():
        places = np.flatnonzero(chosen)
        pixels[places] = change(pixels[places], piece.part(places))
    return pixels


def turned_by_quarters(pictures: Tensor, drawn: Draws, piece: Piece) -> Tensor:
    """Turn pictures by quarters and mirror them, without changing a pixel's value."""
    turned = torch.empty_like(pictures)
    for place, number in enumerate(piece.numbers):
        part = torch.rot90(pictures[place], int(drawn.quarter_turns[number]), (1, 2))
        turned[place] = part.flip(2) if drawn.is_mirrored[number] else part
    return turned


def _matrix(drawn: Draws) -> npt.NDArray[np.float64]:
    """Return (n, 6), two rows of three, from a position in the new picture to that in the old one: turn, one scale,
    shift, then mirror and quarter turns, and nothing else."""
    cosine, sine, scale = np.cos(drawn.angle_rad), np.sin(drawn.angle_rad), 1.0 / drawn.zoom
    along = np.stack([scale * cosine, -scale * sine, drawn.shift[:, 0]], 1)
    across = np.stack([scale * sine, scale * cosine, drawn.shift[:, 1]], 1)
    along = np.where(drawn.is_mirrored[:, None], -along, along)
    for turn in range(3):
        is_turned = (drawn.quarter_turns > turn)[:, None]
        along, across = np.where(is_turned, -across, along), np.where(is_turned, along, across)
    return np.concatenate([along, across], 1)


def _run(numbers: Rows) -> slice | Tensor:
    """Return an index of these numbers: a slice, which copies nothing, if they are consecutive."""
    if int(numbers[-1]) - int(numbers[0]) == numbers.size - 1:
        return slice(int(numbers[0]), int(numbers[-1]) + 1)
    return torch.from_numpy(numbers)


def sky_of(pictures: Tensor) -> Tensor:
    """Return the brightness of the sky (n, C): the median of the outermost columns, beyond the galaxy."""
    edges = torch.cat([pictures[..., :2], pictures[..., -2:]], dim=3).flatten(2)
    return edges.float().div_(255.0).median(dim=2).values


def blurred(pixels: Tensor, variance_px2: Tensor) -> Tensor:
    """Blur equally in both directions by two binomial steps, each of half the variance; edges stay unchanged."""
    weight = (variance_px2 / 4.0).clamp(max=0.25)
    pixels = pixels.clone()
    for _ in range(2):
        for axis in (2, 3):
            side = pixels.shape[axis]
            inner = pixels.narrow(axis, 1, side - 2)
            around = pixels.narrow(axis, 0, side - 2) + pixels.narrow(axis, 2, side - 2)
            inner.addcmul_(around.sub_(inner, alpha=2.0), weight)
    return pixels
