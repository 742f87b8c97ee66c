"""Tilt the disk: integrate light and dust along the line of sight.

On the sky x runs along the line of nodes and y up; s runs along the line of sight, away from us. In the galaxy
``X = x``, ``Y = y cos i + s sin i``, ``z = y sin i - s cos i``. Y and z do not depend on x, so one grid of s serves a
whole row of the image and the face-on map is read by whole rows: that is what makes this fast.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from giz.synthetic.bulge import Bulge, project_bulge
from giz.synthetic.faceon import DUST, OLD, YOUNG, FaceOnMaps
from giz.synthetic.noise import edge_on_plumes
from giz.synthetic.parameters import BULGE_EXTRA_G_R, BULGE_R_I, OLD_R_I, YOUNG_G_R, YOUNG_R_I, GalaxyParameters
from giz.synthetic.photometry import EXTINCTION_G_R_I, FloatArray, band_ratios
from giz.synthetic.streams import stream

F = np.float32
DoubleArray = npt.NDArray[np.float64]
STEPS, STEPS_NEAR_EDGE_ON = 48, 84
THICK_DISK_SHARE, THICK_DISK_RATIO, YOUNG_RATIO = 0.12, 2.4, 0.30
LEAST_WEIGHT = 2e-5
BULGE_STRIDE = 2
PLUMES_FROM_DEG, PLUMES_FULL_DEG = 82.0, 87.0


@dataclass(frozen=True, slots=True)
class Scales:
    """Lengths in image pixels; `step_px` is the pitch of the ray grid."""

    h_px: float
    r25_px: float
    reach_px: float
    step_px: float
    old_px: float
    young_px: float
    dust_px: float


@dataclass(frozen=True, slots=True)
class Rays:
    """Depth grid of every row and what each step of it weighs; arrays are (steps, rows), edges (steps + 1, rows)."""

    edges_px: DoubleArray
    plane_y_px: DoubleArray
    height_px: DoubleArray
    weights: FloatArray


def sech2_mean(z_from: DoubleArray, z_to: DoubleArray, scale_px: float) -> DoubleArray:
    """Mean of ``sech^2(z / scale) / (2 scale)`` over a step, by its exact integral."""
    span = z_from - z_to
    tiny = np.abs(span) < 1e-3 * scale_px
    exact = (np.tanh(z_from / scale_px) - np.tanh(z_to / scale_px)) * scale_px / np.where(tiny, 1.0, span)
    middle = 1.0 / np.cosh(np.clip(0.5 * (z_from + z_to) / scale_px, -40.0, 40.0)) ** 2
    return np.asarray(np.where(tiny, middle, exact) / (2.0 * scale_px))


def ray_grid(p: GalaxyParameters, y_px: DoubleArray, scales: Scales) -> Rays:
    """Depths for each row: centred where the ray meets the mid-plane, and finer there unless nearly edge-on."""
    inclination = math.radians(p.inclination_deg)
    sin_i, cos_i = math.sin(inclination), math.cos(inclination)
    safe_sin, safe_cos = max(sin_i, 1e-3), max(cos_i, 1e-4)
    reach = scales.reach_px
    centre = np.clip(y_px * sin_i / safe_cos, -reach / safe_sin, reach / safe_sin)
    half = min(4.5 * scales.old_px / safe_cos, 2.0 * reach)
    near = np.minimum(np.maximum(centre - half, (-reach - y_px * cos_i) / safe_sin), centre)
    far = np.maximum(np.minimum(centre + half, (reach - y_px * cos_i) / safe_sin), centre)
    steps = STEPS_NEAR_EDGE_ON if p.inclination_deg > 72.0 else STEPS
    u = np.linspace(-1.0, 1.0, steps + 1)[:, None]
    crowding = max(2.0 * (1.0 - min(max((p.inclination_deg - 66.0) / 16.0, 0.0), 1.0)), 0.02)
    reach_u = np.sinh(crowding * np.abs(u)) / math.sinh(crowding)
    edges = np.where(u < 0.0, centre - (centre - near) * reach_u, centre + (far - centre) * reach_u)

    height = y_px * sin_i - edges * cos_i
    plane_y = y_px * cos_i + edges * sin_i
    length = np.diff(edges, axis=0)
    above, below = height[:-1], height[1:]
    old = (1.0 - THICK_DISK_SHARE) * sech2_mean(above, below, scales.old_px)
    old += THICK_DISK_SHARE * sech2_mean(above, below, THICK_DISK_RATIO * scales.old_px)
    young = sech2_mean(above, below, scales.young_px)
    dust = 1.4 * p.tau_r * sech2_mean(above, below, scales.dust_px)
    weights = (np.stack([old, young, dust]) * length).astype(F)
    return Rays(edges, 0.5 * (plane_y[:-1] + plane_y[1:]), 0.5 * (above + below), weights)


class _Transfer:
    """Light gathered so far and dust passed so far, front to back."""

    def __init__(self, p: GalaxyParameters, rows: int, columns: int) -> None:
        self.light = np.zeros((3, rows, columns), F)
        self.tau = np.zeros((rows, columns), F)
        self.old_ratio = band_ratios(p.old_g_r, OLD_R_I)
        self.young_ratio = band_ratios(YOUNG_G_R, YOUNG_R_I)
        self.bulge_ratio = band_ratios(p.old_g_r + BULGE_EXTRA_G_R, BULGE_R_I)

    def add_step(self, rows: slice, layers: FloatArray) -> None:
        """Add one step's old and young light, dimmed to the middle of the step, then its dust."""
        tau = self.tau[rows]
        middle = layers[DUST] * F(0.5)
        middle += tau
        emission, dimming = np.empty_like(middle), np.empty_like(middle)
        for band, kappa in enumerate(EXTINCTION_G_R_I):
            np.multiply(middle, F(-kappa), out=dimming)
            np.exp(dimming, out=dimming)
            if self.old_ratio[band] == 1.0 and self.young_ratio[band] == 1.0:
                np.add(layers[OLD], layers[YOUNG], out=emission)
            else:
                np.multiply(layers[YOUNG], self.young_ratio[band] / self.old_ratio[band], out=emission)
                emission += layers[OLD]
                emission *= self.old_ratio[band]
            emission *= dimming
            self.light[band, rows] += emission
        tau += layers[DUST]

    def add_bulge(self, bulge: Bulge, share: FloatArray) -> None:
        """Add the share of the bulge's light that lies at the present depth."""
        window = (bulge.rows, bulge.columns)
        tau = self.tau[window]
        share *= bulge.light
        dimming = np.empty_like(tau)
        for band, kappa in enumerate(EXTINCTION_G_R_I):
            np.multiply(tau, F(-kappa), out=dimming)
            np.exp(dimming, out=dimming)
            dimming *= share
            dimming *= self.bulge_ratio[band]
            self.light[band][window] += dimming


def _read_rows(layers: FloatArray, differences: FloatArray, positions: DoubleArray, weights: FloatArray) -> FloatArray:
    """Rows of the three maps at fractional `positions`, each times its weight; nothing outside the maps."""
    last = layers.shape[1] - 1
    inside = (positions >= 0.0) & (positions < last)
    clipped = np.clip(positions, 0.0, last - 1e-3)
    index = clipped.astype(np.intp)
    weights = weights * inside
    gathered: FloatArray = layers.take(index, axis=1)
    gathered *= weights[:, :, None]
    slope = differences.take(index, axis=1)
    slope *= (weights * (clipped - index).astype(F))[:, :, None]
    gathered += slope
    return gathered


def project(p: GalaxyParameters, seed: int, maps: FaceOnMaps, scales: Scales) -> FloatArray:
    """Image (3, rows, columns) in g, r, i, in units of the old disk's face-on centre, on a grid of pitch `step_px`.

    The middle pixel is the galaxy's centre; the near side is at the bottom.
    """
    inclination = math.radians(p.inclination_deg)
    cos_i = math.cos(inclination)
    bulge_re_px = p.bulge_re_h * scales.h_px
    bulge_ratio = math.hypot(cos_i, p.bulge_axis_ratio * math.sin(inclination))
    bulge_top = min(10.0 * bulge_re_px, 1.25 * scales.r25_px) * bulge_ratio
    top = min(max(scales.reach_px * cos_i + 4.5 * scales.old_px, bulge_top), scales.reach_px)
    half_rows, half_columns = int(top / scales.step_px), maps.layers.shape[1] // 2
    y_px: DoubleArray = np.arange(-half_rows, half_rows + 1, dtype=np.float64) * scales.step_px
    x_px: DoubleArray = np.arange(-half_columns, half_columns + 1, dtype=np.float64) * scales.step_px
    rays = ray_grid(p, y_px, scales)
    disk_light = float(maps.layers[OLD].sum() + maps.layers[YOUNG].sum())
    bulge = project_bulge(p, disk_light, x_px, y_px, re_px=bulge_re_px, r25_px=scales.r25_px)
    plumes = None
    if p.inclination_deg > PLUMES_FROM_DEG:
        weight = min((p.inclination_deg - PLUMES_FROM_DEG) / (PLUMES_FULL_DEG - PLUMES_FROM_DEG), 1.0)
        plumes = edge_on_plumes(
            stream(seed, "plumes"), len(x_px), weight, p.irregularity, scales.r25_px / scales.step_px
        )
    return _integrate(p, maps, rays, bulge, plumes, scales)


def _integrate(
    p: GalaxyParameters,
    maps: FaceOnMaps,
    rays: Rays,
    bulge: Bulge | None,
    plumes: tuple[FloatArray, FloatArray] | None,
    scales: Scales,
) -> FloatArray:
    layers = maps.layers
    differences = np.diff(layers, axis=1, append=layers[:, -1:])
    half = layers.shape[1] // 2
    steps, row_count = rays.plane_y_px.shape
    positions = rays.plane_y_px / scales.step_px + half
    useful = (rays.weights[OLD] > LEAST_WEIGHT) | (rays.weights[DUST] > LEAST_WEIGHT)
    transfer = _Transfer(p, row_count, layers.shape[2])
    before: FloatArray | None = None
    for step in range(steps):
        if bulge is not None and step % BULGE_STRIDE == BULGE_STRIDE // 2:
            now = bulge.share_in_front(rays.edges_px[step])
            transfer.add_bulge(bulge, now - before if before is not None else now.copy())
            before = now
        active = np.flatnonzero(useful[step])
        if active.size == 0:
            continue
        rows = slice(active[0], active[-1] + 1)
        read = _read_rows(layers, differences, positions[step, rows], rays.weights[:, step, rows])
        if plumes is not None:
            level = np.clip(rays.height_px[step, rows] / (3.2 * scales.dust_px) * 31.5 + 31.5, 0.0, 62.9)
            index = level.astype(np.intp)
            read[DUST] *= plumes[0][index]
            read[YOUNG] *= plumes[1][index]
        transfer.add_step(rows, read)
    if bulge is not None:
        rest = F(1.0) - before if before is not None else np.ones_like(bulge.light)
        transfer.add_bulge(bulge, rest)
    return transfer.light
