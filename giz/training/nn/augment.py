"""Augmentation on tensors that keeps the axial ratio, which is the label: one resampling, similarity transforms only.

Never shear, never two scales. About 30 % of the pictures are only turned by quarters and mirrored: networks that never
see an untouched pixel lose on real pictures.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from giz.training.nn.data import CHANNEL_COUNT, CHANNELS, GREYS

NOISE_BANK = 1 << 22
_COLOUR = slice(3, 6)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far pictures are changed. Pictures are fractions: 0 black, 1 white.

    untouched_share : of pictures that are not resampled.
    turns : whether pictures are turned by quarters and mirrored.
    corner_share : of pictures with corners cut off as in turned survey frames, white, black or as the sky.
    noise : at most, of which a half is spread over neighbouring pixels. star_share : of pictures with a bright star and
        its halo, beside the galaxy.
    tint : contrast of each channel apart. glow : a coloured sky in half of the colour pictures.
    bend : x becomes x + bend x (1 - x), as a gamma does.
    """

    untouched_share: float = 0.3
    turns: bool = True
    zoom: tuple[float, float] = (0.75, 1.7)
    shift: float = 0.1
    corner_share: float = 0.3
    bend: float = 0.5
    contrast: tuple[float, float] = (0.8, 1.2)
    brightness: float = 0.05
    blur_share: float = 0.4
    blur_variance_px2: float = 0.9
    noise_share: float = 0.6
    noise: float = 0.12
    star_share: float = 0.3
    tint: float = 0.15
    glow: float = 0.2


PLAIN = Augmentation(
    untouched_share=1.0,
    turns=False,
    corner_share=0.0,
    bend=0.0,
    contrast=(1.0, 1.0),
    brightness=0.0,
    blur_share=0.0,
    noise_share=0.0,
    star_share=0.0,
    tint=0.0,
    glow=0.0,
)


@dataclass(frozen=True, eq=False)
class Draws:
    """What was drawn for each of n pictures, each from its own seed."""

    is_untouched: npt.NDArray[np.bool_]
    quarter_turns: npt.NDArray[np.int64]
    is_mirrored: npt.NDArray[np.bool_]
    angle_rad: npt.NDArray[np.float64]
    zoom: npt.NDArray[np.float64]
    shift: npt.NDArray[np.float64]
    corner: npt.NDArray[np.float64]
    fill: npt.NDArray[np.float64]
    bend: npt.NDArray[np.float64]
    contrast: npt.NDArray[np.float64]
    brightness: npt.NDArray[np.float64]
    blur: npt.NDArray[np.float64]
    noise: npt.NDArray[np.float64]
    noise_at: npt.NDArray[np.int64]
    is_grainy: npt.NDArray[np.bool_]
    star: npt.NDArray[np.float64]

    def take(self, chosen: npt.NDArray[np.int64]) -> Draws:
        """The draws of some of the pictures."""
        return Draws(*(getattr(self, column.name)[chosen] for column in fields(self)))


def draw(how: Augmentation, seeds: npt.NDArray[np.uint64]) -> Draws:
    """Draw for every picture from its own seed; the order of the draws is part of the format of a run."""
    columns = list(zip(*(_draw_one(how, int(seed)) for seed in seeds), strict=True))
    return Draws(*(np.asarray(column) for column in columns))


def _draw_one(how: Augmentation, seed: int) -> tuple[object, ...]:
    rng = np.random.default_rng(seed)
    u = rng.random(24)

    def between(low: float, high: float, at: float) -> float:
        return float(math.exp(math.log(low) + at * (math.log(high) - math.log(low))))

    # Frames of a survey that were turned: the corners beyond a turned square are empty. (angle, half side, on or off)
    corner = (u[6] * math.pi / 2, 0.95 + 0.35 * u[7], float(u[8] < how.corner_share))
    tint = 1.0 + how.tint * (2.0 * u[15:21] - 1.0)
    contrast = between(*how.contrast, u[10]) * np.where(np.arange(6) < len(GREYS), 0.5 + tint / 2, tint)
    glow = np.zeros(6)
    glow[_COLOUR] = how.glow * rng.random() * rng.random(3) * (u[23] < 0.5)
    return (
        u[0] < how.untouched_share,
        int(u[1] * 4) * how.turns,
        u[2] < 0.5 * how.turns,
        u[3] * 2.0 * math.pi,
        between(*how.zoom, u[4]),
        how.shift * (2.0 * rng.random(2) - 1.0),
        corner,
        # Colour of what lies outside: sky, white or black.
        (0.0, 1.0, 2.0)[int(u[5] * 3)],
        how.bend * (2.0 * u[9] - 1.0),
        contrast,
        how.brightness * (2.0 * u[11] - 1.0) + glow,
        how.blur_variance_px2 * u[12] if u[13] < how.blur_share else 0.0,
        how.noise * u[14] ** 2 if u[21] < how.noise_share else 0.0,
        int(u[22] * NOISE_BANK),
        rng.random() < 0.5,
        _draw_star(rng, how.star_share),
    )


def _draw_star(rng: np.random.Generator, share: float) -> tuple[float, ...]:
    """(on or off, x, y, core, halo, colour of the halo in red, green, blue): places and sizes in half sides."""
    v = rng.random(8)
    distance, angle = 0.45 + 0.65 * v[1], 2.0 * math.pi * v[2]
    place = (distance * math.cos(angle), distance * math.sin(angle))
    return (float(v[0] < share), *place, 0.015 + 0.04 * v[3] ** 2, 0.5 * v[4] ** 2, *(0.4 + 0.6 * v[5:8]))


class Augmenter:
    """Changes batches of pictures; the same seeds give the same pictures on one kind of device."""

    def __init__(self, how: Augmentation, device: torch.device | str = "cpu") -> None:
        self.how = how
        self.device = torch.device(device)
        bank = torch.randn(NOISE_BANK, generator=torch.Generator().manual_seed(20_260_101))
        # The noise of pictures that were resampled before is spread over pixels; scaled to the same strength.
        spread = bank + 0.7 * (bank.roll(1) + bank.roll(128)) + 0.5 * bank.roll(129)
        self._banks = (bank.to(self.device), (spread / spread.std()).to(self.device))

    def __call__(
        self,
        pictures: Tensor,
        seeds: npt.NDArray[np.uint64],
        is_inverted: npt.NDArray[np.bool_],
        wanted: npt.NDArray[np.bool_],
    ) -> Tensor:
        """Change pictures.

        Parameters
        ----------
        pictures : (n, 6, H, W) uint8, as `TrainingData.pictures` gives them.
        seeds : (n,) one for each.
        is_inverted : (n,) whether the greys become white-on-black.
        wanted : (n, 4) bands that are there; the others stay zero.

        Returns
        -------
        (n, 6, H, W) float32, 0 to 1.
        """
        drawn = draw(self.how, seeds)
        pictures = pictures.to(self.device)
        changed = torch.zeros(pictures.shape, device=self.device)
        # Pictures with the same bands go together, so that no work is done on bands that are not there.
        for there in np.unique(wanted, axis=0):
            chosen = np.flatnonzero((wanted == there).all(axis=1))
            channels = np.flatnonzero(np.repeat(there, [_width(band) for band in CHANNELS]))
            if channels.size:
                place = (torch.from_numpy(chosen)[:, None], torch.from_numpy(channels)[None, :])
                changed[place] = self._change(pictures[place], drawn.take(chosen), channels, is_inverted[chosen])
        return changed

    def _change(
        self, pictures: Tensor, drawn: Draws, channels: npt.NDArray[np.int64], is_inverted: npt.NDArray[np.bool_]
    ) -> Tensor:
        pixels = self._turn_by_quarters(pictures, drawn).float().div_(255.0)
        is_grey = channels < len(GREYS)
        fill = self._fill(drawn, _sky(pixels))
        pixels = self._resample(pixels, drawn, fill)
        pixels = self._add_stars(pixels, drawn, channels)
        pixels = self._cut_corners(pixels, drawn, fill)
        pixels = self._blur(pixels, drawn)
        pixels = self._change_tones(pixels, drawn, channels)
        pixels = self._add_noise(pixels, drawn, channels)
        if is_grey.any() and is_inverted.any():
            flip = self._tensor(np.outer(is_inverted, is_grey)).view(*pixels.shape[:2], 1, 1)
            pixels = pixels * (1.0 - 2.0 * flip) + flip
        return pixels.clamp_(0.0, 1.0)

    def _tensor(self, values: npt.NDArray[np.float64] | npt.NDArray[np.bool_]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, np.float32)).to(self.device)

    def _fill(self, drawn: Draws, sky: Tensor) -> Tensor:
        kind = self._tensor(drawn.fill).view(-1, 1)
        return torch.where(kind == 0, sky, (kind == 1).float()).view(*sky.shape, 1, 1)

    def _turn_by_quarters(self, pixels: Tensor, drawn: Draws) -> Tensor:
        """Quarter turns and mirror without touching a pixel's value."""
        turned = torch.empty_like(pixels)
        for turns in range(4):
            for mirrored in (False, True):
                chosen = np.flatnonzero((drawn.quarter_turns == turns) & (drawn.is_mirrored == mirrored))
                if chosen.size:
                    part = torch.rot90(pixels[chosen], turns, (2, 3))
                    turned[chosen] = part.flip(3) if mirrored else part
        return turned

    def _resample(self, pixels: Tensor, drawn: Draws, fill: Tensor) -> Tensor:
        chosen = np.flatnonzero(~drawn.is_untouched)
        if not chosen.size:
            return pixels
        # From the place in the new picture to the place in the old one: turn, one scale, shift. Nothing else.
        cosine, sine = np.cos(drawn.angle_rad[chosen]), np.sin(drawn.angle_rad[chosen])
        scale = 1.0 / drawn.zoom[chosen]
        rows = np.stack([scale * cosine, -scale * sine, drawn.shift[chosen, 0]], 1)
        matrix = np.stack([rows, np.stack([scale * sine, scale * cosine, drawn.shift[chosen, 1]], 1)], 1)
        part = pixels[chosen]
        grid = functional.affine_grid(self._tensor(matrix), list(part.shape), align_corners=False)
        # Where it is made smaller, blur first by what the coarser pixels lack.
        smaller = np.flatnonzero(scale > 1.0)
        part[smaller] = _blurred(part[smaller], self._tensor((scale[smaller] ** 2 - 1.0) * 0.25))
        moved = functional.grid_sample(part, grid, mode="bilinear", padding_mode="border", align_corners=False)
        outside = (grid.abs() > 1.0).any(dim=3).unsqueeze(1)
        pixels[chosen] = torch.where(outside, fill[chosen], moved)
        return pixels

    def _add_stars(self, pixels: Tensor, drawn: Draws, channels: npt.NDArray[np.int64]) -> Tensor:
        """A saturated core and a wide halo, drawn over what is there: dark in greys, light in colour."""
        chosen = np.flatnonzero(drawn.star[:, 0] > 0)
        if not chosen.size:
            return pixels
        x, y = self._axes(pixels.shape[-1])
        star = self._tensor(drawn.star[chosen, :5]).view(-1, 5, 1, 1)
        distance = ((x - star[:, 1]) ** 2 + (y - star[:, 2]) ** 2).sqrt()
        light = (-((distance / star[:, 3]) ** 4)).exp() + star[:, 4] * (-distance / (0.08 + 0.4 * star[:, 4])).exp()
        tints = np.concatenate([np.full((chosen.size, len(GREYS)), -1.0), drawn.star[chosen, 5:8]], axis=1)
        tint = self._tensor(tints[:, channels]).view(chosen.size, -1, 1, 1)
        pixels[chosen] = (pixels[chosen] + light.unsqueeze(1) * tint).clamp_(0.0, 1.0)
        return pixels

    def _axes(self, side: int) -> tuple[Tensor, Tensor]:
        """Places of the pixels, -1 to 1: (1, 1, side) along x, (1, side, 1) along y."""
        axis = (torch.arange(side, device=self.device) + 0.5) * (2.0 / side) - 1.0
        return axis.view(1, 1, side), axis.view(1, side, 1)

    def _cut_corners(self, pixels: Tensor, drawn: Draws, fill: Tensor) -> Tensor:
        chosen = np.flatnonzero(drawn.corner[:, 2] > 0)
        if not chosen.size:
            return pixels
        x, y = self._axes(pixels.shape[-1])
        angle = self._tensor(drawn.corner[chosen, 0]).view(-1, 1, 1)
        half = self._tensor(drawn.corner[chosen, 1]).view(-1, 1, 1)
        cosine, sine = angle.cos(), angle.sin()
        outside = ((x * cosine - y * sine).abs() > half) | ((x * sine + y * cosine).abs() > half)
        pixels[chosen] = torch.where(outside.unsqueeze(1), fill[chosen], pixels[chosen])
        return pixels

    def _blur(self, pixels: Tensor, drawn: Draws) -> Tensor:
        chosen = np.flatnonzero(drawn.blur > 0)
        if chosen.size:
            pixels[chosen] = _blurred(pixels[chosen], self._tensor(drawn.blur[chosen]))
        return pixels

    def _change_tones(self, pixels: Tensor, drawn: Draws, channels: npt.NDArray[np.int64]) -> Tensor:
        """A bent tone curve, contrast about the sky (so that the galaxy does not fade into it), brightness."""
        bend = self._tensor(drawn.bend).view(-1, 1, 1, 1)
        contrast = self._tensor(drawn.contrast[:, channels]).view(len(pixels), -1, 1, 1)
        brightness = self._tensor(drawn.brightness[:, channels]).view(len(pixels), -1, 1, 1)
        sky = self._tensor(channels < len(GREYS)).view(1, -1, 1, 1)
        bent = torch.mul(pixels, -bend).add_(1.0 + bend).mul_(pixels)
        return bent.mul_(contrast).add_(sky * (1.0 - contrast) + brightness)

    def _add_noise(self, pixels: Tensor, drawn: Draws, channels: npt.NDArray[np.int64]) -> Tensor:
        """Gaussian noise from a fixed bank, read from a place of its own for each picture."""
        shape = (CHANNEL_COUNT, *pixels.shape[2:])
        count = math.prod(shape)
        for place in np.flatnonzero(drawn.noise > 0):
            start = int(drawn.noise_at[place]) % (NOISE_BANK - count)
            noise = self._banks[int(drawn.is_grainy[place])][start : start + count].view(shape)
            pixels[place].add_(noise[torch.from_numpy(channels)], alpha=float(drawn.noise[place]))
        return pixels


def channel_mask(wanted: Tensor) -> Tensor:
    """(n, 6, 1, 1) of ones where the band of a channel is there, from (n, 4)."""
    parts = [wanted[:, number : number + 1].expand(-1, _width(band)) for number, band in enumerate(CHANNELS)]
    return torch.cat(parts, dim=1).view(-1, 6, 1, 1)


def _width(band: str) -> int:
    return CHANNELS[band].stop - CHANNELS[band].start


def _sky(pixels: Tensor) -> Tensor:
    """(n, 6) brightness of the sky: the median of the outermost columns, which lie beyond the galaxy."""
    edges = torch.cat([pixels[..., :2], pixels[..., -2:]], dim=3).flatten(2)
    return edges.median(dim=2).values


def _blurred(pixels: Tensor, variance_px2: Tensor) -> Tensor:
    """Blur alike in both directions: two small binomial steps, each of half the variance; the rim stays as it is."""
    weight = (variance_px2 / 4.0).clamp(max=0.25).view(-1, 1, 1, 1)
    pixels = pixels.clone()
    for _ in range(2):
        for axis in (2, 3):
            side = pixels.shape[axis]
            inner = pixels.narrow(axis, 1, side - 2)
            around = pixels.narrow(axis, 0, side - 2) + pixels.narrow(axis, 2, side - 2)
            inner += weight * around.sub_(inner, alpha=2.0)
    return pixels
