"""Corners that turned frames leave are found, plain skies are left alone, and the sky's side is told without them."""

import numpy as np
import pytest
from scipy import ndimage

from giz.imaging.measure import empty_corners, is_light_on_dark

SIZE = 96


def disk() -> np.ndarray:
    """A tilted disk with its major axis level: light from 0 (sky) to 1."""
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    return np.exp(-np.hypot(x / 12, y / 5))


def turned_frame(sky: int, middle: int, outside: int, angle_deg: float = 30.0) -> tuple[np.ndarray, np.ndarray]:
    """A picture with noise, and where the corners of its turned frame are, filled with `outside`."""
    noise = np.random.default_rng(4).normal(0, 3, (SIZE, SIZE))
    frame = ndimage.rotate(np.ones((SIZE, SIZE)), angle_deg, reshape=False, order=1) > 0.5
    picture = np.where(frame, np.clip(sky + (middle - sky) * disk() + noise, 0, 255), outside)
    return picture.astype(np.uint8), ~frame


@pytest.mark.parametrize(("sky", "middle", "outside"), [(12, 240, 255), (235, 20, 0)])
def test_the_corners_of_a_turned_frame_are_found_and_nothing_else(sky: int, middle: int, outside: int) -> None:
    picture, corners = turned_frame(sky, middle, outside)
    assert corners.mean() > 0.1
    assert (empty_corners(picture) != corners).mean() < 0.005


@pytest.mark.parametrize(("sky", "middle"), [(255, 20), (0, 240), (250, 20), (4, 240), (235, 20)])
def test_a_plain_sky_is_no_empty_corner(sky: int, middle: int) -> None:
    picture = np.clip(sky + (middle - sky) * disk(), 0, 255).astype(np.uint8)
    empty = empty_corners(picture)
    assert not empty.any()
    assert is_light_on_dark(picture, empty) is (sky < 128)


@pytest.mark.parametrize("angle_deg", [15, 30, 45])
@pytest.mark.parametrize(("sky", "middle", "outside"), [(12, 240, 255), (235, 20, 0), (235, 20, 255), (12, 240, 0)])
def test_the_side_of_the_sky_is_told_whatever_fills_the_corners(
    sky: int, middle: int, outside: int, angle_deg: float
) -> None:
    picture, _ = turned_frame(sky, middle, outside, angle_deg)
    assert is_light_on_dark(picture, empty_corners(picture)) is (sky < 128)
