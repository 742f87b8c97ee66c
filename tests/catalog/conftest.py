"""Folders of pictures and commands to run on them."""

import io

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image

from tests.surveys.serving import serving


def spiral(side_px=96, seed=0, *, colour=False, form="PNG"):
    """The bytes of a small picture that differs with its seed."""
    rng = np.random.default_rng(seed)
    shape = (side_px, side_px, 3) if colour else (side_px, side_px)
    out = io.BytesIO()
    Image.fromarray(rng.integers(0, 255, shape, dtype=np.uint8)).save(out, form)
    return out.getvalue()


@pytest.fixture
def pictures(tmp_path):
    """A folder with all bands of PGC 4 and 12."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    for pgc in (4, 12):
        for number, band in enumerate("gri"):
            (folder / f"pgc{pgc}_d25x2_rot_{band}.png").write_bytes(spiral(seed=10 * pgc + number))
        (folder / f"pgc{pgc}_d25x2_rot_gri.jpg").write_bytes(spiral(seed=10 * pgc + 3, colour=True, form="JPEG"))
    return folder


@pytest.fixture
def run_command():
    """Run a management command and return what it printed."""

    def run(name, *arguments):
        out = io.StringIO()
        call_command(name, *map(str, arguments), stdout=out)
        return out.getvalue()

    return run


@pytest.fixture
def serve(settings, tmp_path, monkeypatch):
    """Start servers and point the settings at them; no pauses between requests."""
    with serving(settings, tmp_path / "surveys", monkeypatch) as start:
        yield start
