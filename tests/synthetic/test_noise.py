"""Smooth random fields."""

import numpy as np

from giz.synthetic.noise import along_spiral, smooth_fields


def test_fields_have_no_mean_and_unit_variance_and_are_independent() -> None:
    one, two = smooth_fields(np.random.default_rng(1), 2, (128, 256), 0.10, 0.11)
    for field in (one, two):
        assert abs(float(field.mean())) < 1e-3
        assert abs(float(field.std()) - 1.0) < 1e-3
    assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 0.15


def test_fields_are_smooth_over_their_sigma_and_forget_beyond_it() -> None:
    (field,) = smooth_fields(np.random.default_rng(2), 1, (128, 256), 0.20, 0.10)
    near = float((field * np.roll(field, 1, axis=1)).mean())
    far = float((field * np.roll(field, 60, axis=1)).mean())
    assert near > 0.9
    assert abs(far) < 0.2


def test_a_field_has_no_seam_at_the_half_circle() -> None:
    (field,) = smooth_fields(np.random.default_rng(3), 1, (64, 128), 0.4, 0.3)
    ln_r = np.zeros((1, 2), np.float32)
    theta = np.array([[np.pi - 1e-4, -np.pi + 1e-4]], np.float32)
    left, right = along_spiral(field, ln_r, theta, 20.0, 1)[0]
    assert abs(left - right) < 0.01


def test_features_follow_the_spiral() -> None:
    (field,) = smooth_fields(np.random.default_rng(4), 1, (64, 256), 100.0, 0.2)
    ln_r = np.linspace(-1.0, 1.0, 9, dtype=np.float32)[None, :]
    along = along_spiral(field, ln_r, (ln_r / np.tan(np.radians(15.0))).astype(np.float32), 15.0, 1)
    np.testing.assert_allclose(along, along[0, 0], atol=0.02)
