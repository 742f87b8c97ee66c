"""Augmentation on tensors that keeps the axial ratio, which is the label: one resampling, similarity transforms only.

Never shear, never two scales. About 30 % of the pictures are only turned by quarters and mirrored: networks that never
see an unchanged pixel are worse on real pictures.

Pictures of synthetic galaxies also get round light (`SYNTHETIC`): the disk keeps its axes, but its isophotes become
rounder, by a few per cent of b/a at half of the maximum, up to 30 % near edge-on. This is intended: synthetic disks
lack the round centres and outskirts of real ones. Other pictures get a faint, larger and rounder copy of the galaxy
behind it, since the thick disks, warps and wide faint arms of real galaxies are not smooth halos. It makes the
outskirts much rounder, and the bright disk by a third at most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from giz.core.vocabulary import GREYS
from giz.training.nn.data import CHANNEL_COUNT
from giz.training.nn.pixels import Piece, Recipe, blurred, on_some, pieces, turned_by_quarters

NOISE_BANK = 1 << 22
ECHO_LONGER = (1.05, 1.55)
_COLOUR = slice(3, 6)


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How much pictures are changed. Values are fractions: 0 black, 1 white.

    plain_share : share of pictures that are only turned; the following is for the others.
    untouched_share : of pictures that are not resampled.
    turns : whether pictures are turned by quarters and mirrored.
    level_share : of resampled pictures that are turned by at most `level_deg`, since in use the major axis is level up
        to the catalogue's error. The others are turned by any angle.
    corner_share : of pictures with corners cut off as in turned survey frames, white, black or sky.
    noise : at most, of which a half is spread over neighbouring pixels. star_share : of pictures with a bright star and
        its halo, beside the galaxy.
    bulge_share : of pictures with round light added at the centre, where the galaxy is: real disks have brighter and
        rounder middles than synthetic ones, and their tilt is that of what lies outside. halo_share : of other pictures
        with faint round light added over all of the galaxy: the outskirts of real disks are rounder, too.
    echo_share : of all pictures with a faint copy of the galaxy, larger and rounder, behind it, in place of the round
        light. All three for synthetic galaxies only, and the copy for pictures whose major axis is level.
    echo : how strong the copy is, at least and at most, as a share of the galaxy's own light.
    echo_rounder : how much more the copy is stretched across the major axis than along it, at least and at most.
    frame_share : of pictures that end at a tight frame, with the sky laid around: cutouts of surveys often are smaller
        than the field that is asked about, and cut large galaxies off. frame : half its side, at least and at most.
    tint : contrast of each channel apart. glow : a coloured sky in half of the colour pictures.
    bend : x becomes x + bend x (1 - x), as a gamma does.
    """

    plain_share: float = 0.0
    untouched_share: float = 0.3
    turns: bool = True
    level_share: float = 0.5
    level_deg: float = 10.0
    zoom: tuple[float, float] = (0.8, 1.6)
    shift: float = 0.1
    corner_share: float = 0.15
    bend: float = 0.3
    contrast: tuple[float, float] = (0.8, 1.2)
    brightness: float = 0.05
    blur_share: float = 0.3
    blur_variance_px2: float = 0.9
    noise_share: float = 0.45
    noise: float = 0.1
    star_share: float = 0.2
    bulge_share: float = 0.0
    halo_share: float = 0.0
    echo_share: float = 0.0
    echo: tuple[float, float] = (0.1, 0.4)
    echo_rounder: tuple[float, float] = (1.1, 2.2)
    tint: float = 0.15
    glow: float = 0.2
    frame_share: float = 0.0
    frame: tuple[float, float] = (0.42, 0.95)


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
SYNTHETIC = Augmentation(bulge_share=0.2, halo_share=0.6, echo_share=0.45)
# How the network that comes with GIZ sees synthetic galaxies: with frames that cut galaxies off, larger galaxies, more
# turns, less noise (docs/decisions/0034-the-real-sky.md).
FRAMED = replace(
    SYNTHETIC,
    frame_share=0.6,
    frame=(0.45, 0.8),
    zoom=(0.9, 1.9),
    level_share=0.15,
    untouched_share=0.1,
    noise_share=0.3,
    echo_share=0.5,
)


def augmentation_for(origin: str) -> Augmentation:
    """Return the default for the galaxies of a label set, by the `origin` in its manifest."""
    return SYNTHETIC if origin == "synthetic" else Augmentation()


@dataclass(frozen=True, eq=False)
class Draws:
    """Random numbers for n pictures, each from its own seed."""

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
    bulge: npt.NDArray[np.float64]
    echo: npt.NDArray[np.float64]
    frame: npt.NDArray[np.float64]


def draw(how: Augmentation, seeds: npt.NDArray[np.uint64]) -> Draws:
    """Draw for every picture from its own seed; the order of the draws is part of the format of a run."""
    columns = list(zip(*(_draw_one(how, int(seed)) for seed in seeds), strict=True))
    return Draws(*(np.asarray(column) for column in columns))


def _draw_one(how: Augmentation, seed: int) -> tuple[object, ...]:
    # From other streams: the rest is drawn as it would be if there were no frames and no plain pictures.
    frame = _draw_frame(np.random.default_rng((seed, 2)), how)
    if how.plain_share and np.random.default_rng((seed, 1)).random() < how.plain_share:
        how = replace(PLAIN, turns=how.turns)
    rng = np.random.default_rng(seed)
    u = rng.random(24)

    def between(low: float, high: float, at: float) -> float:
        return float(math.exp(math.log(low) + at * (math.log(high) - math.log(low))))

    # As in turned survey frames: corners beyond a turned square are empty. (angle, half side, on or off)
    corner = (u[6] * math.pi / 2, 0.95 + 0.35 * u[7], float(u[8] < how.corner_share))
    tint = 1.0 + how.tint * (2.0 * u[15:21] - 1.0)
    contrast = between(*how.contrast, u[10]) * np.where(np.arange(6) < len(GREYS), 0.5 + tint / 2, tint)
    glow = np.zeros(6)
    glow[_COLOUR] = how.glow * rng.random() * rng.random(3) * (u[23] < 0.5)
    return (
        u[0] < how.untouched_share,
        int(u[1] * 4) * how.turns,
        u[2] < 0.5 * how.turns,
        _angle_rad(how, u[3]),
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
        *_draw_light(rng, how),
        frame,
    )


def _angle_rad(how: Augmentation, at: float) -> float:
    """Map a draw of 0 to 1 to a small angle for the level share, to any angle for the rest."""
    if at < how.level_share:
        return math.radians(how.level_deg) * (2.0 * at / how.level_share - 1.0)
    return 2.0 * math.pi * (at - how.level_share) / (1.0 - how.level_share)


def _draw_frame(rng: np.random.Generator, how: Augmentation) -> tuple[float, float, float]:
    """(half a side or 0, width of its soft edge, scatter of the sky around against that within), in half sides."""
    v = rng.random(4)
    low, high = how.frame
    return (low + (high - low) * v[1] if v[0] < how.frame_share else 0.0), 0.01 + 0.09 * v[2], 0.5 + v[3]


def _draw_star(rng: np.random.Generator, share: float) -> tuple[float, ...]:
    """(on or off, x, y, core, halo, colour of the halo in red, green, blue): places and sizes in half sides."""
    v = rng.random(8)
    distance, angle = 0.45 + 0.65 * v[1], 2.0 * math.pi * v[2]
    place = (distance * math.cos(angle), distance * math.sin(angle))
    return (float(v[0] < share), *place, 0.015 + 0.04 * v[3] ** 2, 0.5 * v[4] ** 2, *(0.4 + 0.6 * v[5:8]))


def _draw_light(rng: np.random.Generator, how: Augmentation) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Round light, or an echo: (strength or 0, stretch along the major axis and across it, -1 where mirrored)."""
    round_light, v = _draw_round_light(rng, how.bulge_share, how.halo_share), rng.random(5)
    if v[0] >= how.echo_share:
        return round_light, (0.0, 1.0, 1.0, 1.0)
    (least, most), (flattest, roundest) = how.echo, how.echo_rounder
    along = ECHO_LONGER[0] + (ECHO_LONGER[1] - ECHO_LONGER[0]) * v[2]
    across = along * flattest * (roundest / flattest) ** v[3]
    return (0.0, 1.0), (least + (most - least) * v[1], along, across, 1.0 if v[4] < 0.5 else -1.0)


def _draw_round_light(rng: np.random.Generator, bulge_share: float, halo_share: float) -> tuple[float, ...]:
    """(strength or 0, scale length in half sides; R25 is a half): of a bulge, or else of a halo."""
    v = rng.random(3)
    if v[0] > 1.0 - halo_share:
        return (0.03 + 0.09 * v[1], 0.35 + 0.35 * v[2])
    return ((0.1 + 0.7 * v[1]) * float(v[0] < bulge_share), 0.025 + 0.075 * v[2])


class Augmenter:
    """Augments batches of pictures; equal seeds give equal pictures on one kind of device.

    On a CPU one picture at a time, so that it stays in the cache; on a GPU all pictures with the same bands together.
    """

    def __init__(self, how: Augmentation, device: torch.device | str = "cpu") -> None:
        self.how = how
        self.device = torch.device(device)
        bank = torch.randn(NOISE_BANK, generator=torch.Generator().manual_seed(20_260_101))
        # As in resampled pictures, noise that is correlated between pixels; scaled to the same strength.
        spread = bank + 0.7 * (bank.roll(1) + bank.roll(128)) + 0.5 * bank.roll(129)
        self._banks = (bank.to(self.device), (spread / spread.std()).to(self.device))

    def __call__(
        self,
        pictures: Tensor,
        seeds: npt.NDArray[np.uint64],
        is_inverted: npt.NDArray[np.bool_],
        wanted: npt.NDArray[np.bool_],
    ) -> Tensor:
        """Augment pictures.

        Parameters
        ----------
        pictures : (n, 6, H, W) uint8, as `TrainingData.pictures` gives them.
        seeds : (n,) one for each.
        is_inverted : (n,) whether the greys become white-on-black.
        wanted : (n, 4) bands that are shown; the others stay zero.

        Returns
        -------
        (n, 6, H, W) float32, 0 to 1.
        """
        drawn = draw(self.how, seeds)
        recipe = Recipe(drawn, is_inverted, pictures.shape[-1], self.device)
        pictures = pictures.to(self.device)
        changed = torch.zeros(pictures.shape, device=self.device)
        for piece in pieces(wanted, one_by_one=self.device.type == "cpu"):
            changed[piece.place] = self._change(pictures[piece.place], drawn, recipe, piece)
        return changed

    def _change(self, pictures: Tensor, drawn: Draws, recipe: Recipe, piece: Piece) -> Tensor:
        recipe.find_fill(pictures, drawn, piece)
        has_bulge, has_echo = drawn.bulge[:, 0] > 0, drawn.echo[:, 0] > 0
        if (has_bulge | has_echo)[piece.numbers].any():
            pictures = on_some(pictures.clone(), piece, has_bulge, recipe.add_bulge)
            pictures = on_some(pictures, piece, has_echo, recipe.add_echo)
        pixels = self._move(pictures, drawn, recipe, piece)
        pixels = on_some(pixels, piece, drawn.star[:, 0] > 0, recipe.shine)
        pixels = on_some(pixels, piece, drawn.corner[:, 2] > 0, recipe.cut_corners)
        pixels = on_some(
            pixels, piece, drawn.frame[:, 0] > 0, lambda part, at: self._cut_frames(part, drawn, recipe, at)
        )
        pixels = on_some(pixels, piece, drawn.blur > 0, lambda part, at: blurred(part, recipe.blur[at.rows]))
        pixels = recipe.change_tones(pixels, piece)
        self._add_noise(pixels, drawn, recipe, piece)
        return pixels.clamp_(0.0, 1.0)

    def _move(self, pictures: Tensor, drawn: Draws, recipe: Recipe, piece: Piece) -> Tensor:
        """Turn, mirror, zoom and shift: by quarters without changing a value, or all in one resampling."""
        stays = drawn.is_untouched[piece.numbers]
        if not stays.any():
            return recipe.resample(pictures.float().div_(255.0), piece)
        turned = turned_by_quarters(pictures, drawn, piece).float().div_(255.0)
        if not stays.all():
            moved = np.flatnonzero(~stays)
            turned[moved] = recipe.resample(pictures[moved].float().div_(255.0), piece.part(moved))
        return turned

    def _cut_frames(self, pixels: Tensor, drawn: Draws, recipe: Recipe, piece: Piece) -> Tensor:
        """Put sky, with noise like that of the picture's own, around a tight frame."""
        grain = torch.empty_like(pixels)
        for place, number in enumerate(piece.numbers):
            start = int(drawn.noise_at[number]) % (NOISE_BANK - pixels[place].numel())
            grain[place] = self._banks[1][start : start + pixels[place].numel()].view(pixels[place].shape)
        return recipe.cut_frame(pixels, grain, piece)

    def _add_noise(self, pixels: Tensor, drawn: Draws, recipe: Recipe, piece: Piece) -> None:
        """Gaussian noise from a fixed bank, read from a place of its own for each picture."""
        shape = (CHANNEL_COUNT, *pixels.shape[2:])
        count = math.prod(shape)
        for place, number in enumerate(piece.numbers):
            if drawn.noise[number] > 0:
                start = int(drawn.noise_at[number]) % (NOISE_BANK - count)
                noise = self._banks[int(drawn.is_grainy[number])][start : start + count].view(shape)
                pixels[place].addcmul_(noise[piece.channels], recipe.noise[number, piece.channels])
