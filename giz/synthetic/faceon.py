"""The disk seen from above: maps of old stars, young stars and dust, before it is tilted."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import i0e

from giz.synthetic.knots import knot_map
from giz.synthetic.noise import along_spiral, smooth_fields
from giz.synthetic.parameters import GalaxyParameters
from giz.synthetic.photometry import FloatArray
from giz.synthetic.streams import stream

F = np.float32
OLD, YOUNG, DUST = 0, 1, 2
# Old stars are taken from between the arms into them: this times the arm profile's mean is subtracted everywhere.
BETWEEN_ARMS = 1.4
# Phase (radians of the arm pattern) by which dust and old stars lie on the inner side of the young arm.
DUST_LAG, OLD_LAG = 0.55, 0.15
KNOT_SHARE = 0.28


@dataclass(frozen=True, slots=True)
class FaceOnMaps:
    """`layers` (3, n, n): old light, young light (same unit: old disk centre = 1), dust (about 1 at the centre).

    The first image axis is Y in the plane (tilted later), the second X, along the line of nodes; `step_px` is the
    grid's pitch and its middle pixel the galaxy's centre.
    """

    layers: FloatArray
    step_px: float


@dataclass(frozen=True, slots=True)
class DiskGrid:
    """Polar coordinates of the disk's own ellipse, and the radial fades that every layer uses."""

    x: FloatArray
    y: FloatArray
    radius: FloatArray
    theta: FloatArray
    ln_r_h: FloatArray
    disk: FloatArray
    edge: FloatArray
    arm_zone: FloatArray


@dataclass(frozen=True, slots=True)
class Texture:
    """Noise on the disk: clumps, wandering arm phase, arm strength, dust filaments."""

    clumps: FloatArray
    wander: FloatArray
    strength: FloatArray
    filaments: FloatArray


def _logistic(x: FloatArray) -> FloatArray:
    """1 / (1 + exp(-x)) without overflow."""
    half = F(0.5) * x
    np.tanh(half, out=half)
    half += F(1.0)
    half *= F(0.5)
    return half


def _disk_grid(p: GalaxyParameters, h_px: float, r25_px: float, reach_px: float, step_px: float) -> DiskGrid:
    half = int(reach_px / step_px)
    axis = (np.arange(-half, half + 1) * step_px).astype(F)
    along, across = axis[None, :], axis[:, None]
    cos_a, sin_a = F(math.cos(p.ellipticity_phase)), F(math.sin(p.ellipticity_phase))
    x = (along * cos_a + across * sin_a) * F(1.0 - p.ellipticity / 2.0)
    y = (across * cos_a - along * sin_a) * F(1.0 + p.ellipticity / 2.0)
    radius = np.sqrt(x * x + y * y)
    radius += F(0.0025 * r25_px)
    theta = np.arctan2(y, x)
    if p.lopsidedness > 0.005:
        radius *= F(1.0) + F(p.lopsidedness) * np.cos(theta - F(p.lopsided_phase))
    scaled = radius * F(1.0 / h_px)
    # The logistic edge never reaches zero: fade it out before the border of the grid, or lopsided disks are cut.
    true_radius = np.sqrt(along * along + across * across) * F(1.0 / reach_px)
    border = np.clip((F(1.0) - true_radius) * F(6.0), F(0.0), F(1.0))
    edge = _logistic((F(1.3 * r25_px) - radius) * F(1.0 / (0.18 * r25_px))) * border
    inner_px = max(0.45 * h_px, 0.95 * p.bar_length_h * h_px)
    arm_zone = _logistic((radius - F(inner_px)) * F(1.0 / (0.12 * h_px)))
    arm_zone *= _logistic((F(0.95 * r25_px) - radius) * F(1.0 / (0.12 * r25_px)))
    return DiskGrid(x, y, radius, theta, np.log(scaled), np.exp(-scaled), edge, arm_zone)


def _texture(p: GalaxyParameters, grid: DiskGrid, seed: int) -> Texture:
    (clumps,) = smooth_fields(stream(seed, "clumps"), 1, (128, 256), 0.10, 0.11)
    (filaments,) = smooth_fields(stream(seed, "filaments"), 1, (128, 256), 0.06, 0.086)
    wander, strength = smooth_fields(stream(seed, "arm noise"), 2, (32, 128), 0.38, 0.44)

    def sample(field: FloatArray, pitch_deg: float) -> FloatArray:
        return along_spiral(field, grid.ln_r_h, grid.theta, pitch_deg, p.spin)

    amplitude = F(1.0) + F(0.55) * sample(strength, 2.0 * p.pitch_deg)
    return Texture(
        clumps=sample(clumps, 1.3 * p.pitch_deg),
        wander=sample(wander, 60.0),
        strength=np.clip(amplitude, F(0.15), F(2.2)),
        filaments=sample(filaments, 1.1 * p.pitch_deg),
    )


def _arms(p: GalaxyParameters, grid: DiskGrid, texture: Texture) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Arm profiles (1 on the ridge) of young stars, of old stars and of dust, the latter two on the inner side."""
    phase = grid.ln_r_h - F(math.log(p.bar_length_h) if p.bar_length_h else 0.0)
    phase *= F(p.spin / math.tan(math.radians(p.pitch_deg)))
    phase += F(p.bar_phase if p.bar_length_h else p.arm_phase)
    phase += F((0.30 if p.bar_length_h else 0.38) * p.irregularity) * texture.wander
    angle = F(p.arm_count) * (grid.theta - phase)
    cosine, sine = np.cos(angle), np.sin(angle)

    def profile(lag: float) -> FloatArray:
        shifted = cosine * F(p.arm_sharpness * math.cos(lag)) if lag else cosine * F(p.arm_sharpness)
        if lag:
            shifted += sine * F(p.arm_sharpness * math.sin(lag))
        shifted -= F(p.arm_sharpness)
        arm: FloatArray = np.exp(shifted, out=shifted)
        return arm

    return profile(0.0), profile(p.spin * OLD_LAG), profile(p.spin * DUST_LAG)


def _add_bar(p: GalaxyParameters, grid: DiskGrid, old: FloatArray, h_px: float) -> None:
    """Put a bar into the old light, taking part of the disk's centre for it."""
    length_px = p.bar_length_h * h_px
    cos_b, sin_b = F(math.cos(p.bar_phase)), F(math.sin(p.bar_phase))
    along = np.abs(grid.x * cos_b + grid.y * sin_b) * F(1.0 / length_px)
    across = (grid.y * cos_b - grid.x * sin_b) * F(1.0 / (length_px * p.bar_axis_ratio))
    shape = np.maximum(F(1.0) - along ** F(2.4) - across * across, F(0.0)) ** F(0.8)
    old *= F(1.0) - F(0.45) * np.exp(-((grid.radius * F(1.0 / length_px)) ** 2))
    old += shape * F(p.bar_peak * math.exp(-0.8 * p.bar_length_h))


def face_on_maps(
    p: GalaxyParameters, seed: int, *, h_px: float, r25_px: float, reach_px: float, step_px: float
) -> FaceOnMaps:
    """Maps of the disk from above.

    Parameters
    ----------
    p : drawn parameters; seed : its seed (streams "clumps", "filaments", "arm noise" and "knots").
    h_px, r25_px : scale length and face-on isophotal radius in image pixels.
    reach_px : half the side of the grid in image pixels; all light ends inside it.
    step_px : pitch of the grid in image pixels.
    """
    grid = _disk_grid(p, h_px, r25_px, reach_px, step_px)
    texture = _texture(p, grid, seed)
    arm, old_arm, dust_arm = _arms(p, grid, texture)
    amplitude = F(0.8 * p.arm_amplitude) * texture.strength
    in_arms = grid.arm_zone * amplitude

    arm *= np.maximum(F(1.0) + F(0.45 * p.irregularity + 0.1) * texture.clumps, F(0.05))
    lumpy = np.maximum(texture.clumps, F(0.0))
    radius_h = grid.radius * F(1.0 / h_px)
    young = F(1.3) * in_arms * arm + F(0.30)
    young += F(0.25 * p.irregularity) * lumpy * grid.arm_zone
    young *= np.exp(radius_h * F(-1.0 / 1.15)) * grid.edge
    if p.ring_radius_h:
        ring = np.exp(F(-0.5) * ((radius_h - F(p.ring_radius_h)) * F(1.0 / 0.12)) ** 2)
        young += ring * F(0.5 * math.exp(-p.ring_radius_h / 1.15))

    mean_arm = BETWEEN_ARMS * float(i0e(p.arm_sharpness))
    old = F(1.0) + F(0.45) * in_arms * (old_arm - F(mean_arm))
    old *= F(1.0) + F(0.06 * p.irregularity) * texture.clumps
    old *= grid.disk * grid.edge
    if p.bar_length_h:
        _add_bar(p, grid, old, h_px)

    dust = F(0.55) + F(1.1) * grid.arm_zone * np.minimum(amplitude, F(1.0)) * dust_arm
    dust *= np.exp(F(0.55) * texture.filaments - radius_h * F(1.0 / 1.35) - F(0.15))
    dust *= grid.edge * (F(1.0) - F(0.6) * np.exp(-((radius_h * F(4.0)) ** 2)))

    np.maximum(old, F(0.0), out=old)
    young *= F(p.young_fraction / (1.0 - p.young_fraction) * float(old.sum()) / float(young.sum()))
    if p.hii_strength > 0.02:
        chance = (young * grid.arm_zone * (F(0.25) + lumpy) * (F(0.2) + np.minimum(arm, F(2.0)))).astype(F, copy=False)
        knots = knot_map(p, seed, chance, h_px=h_px / step_px, r25_px=r25_px / step_px)
        share = KNOT_SHARE * min(p.hii_strength, 0.8)
        young += knots * F(share * float(young.sum()) / max(float(knots.sum()), 1e-12))
    return FaceOnMaps(np.stack([old, young, dust]), step_px)
