"""Small rulers: galaxies with picture rows, tables of standards, and commands to run on them."""

import io

import pytest
from django.core.management import call_command

from giz.catalog.models import Galaxy, GalaxyImage
from standards.formats import StandardEntry
from standards.services import standard_set_publish


def make_pictures(pgc, bands=("gri", "g"), sizes_px=(128, 256), version=""):
    """Give a galaxy (made where unknown) current pictures, replacing those it has."""
    galaxy, _is_new = Galaxy.objects.get_or_create(pgc=pgc)
    galaxy.images.update(is_current=False)
    for band in bands:
        GalaxyImage.objects.create(
            galaxy=galaxy,
            band=band,
            stem=f"ab/{pgc}{band}{version}",
            sizes_px=list(sizes_px),
            content_sha256="0" * 64,
            origin="test",
            source_width_px=256,
            source_height_px=256,
        )
    return galaxy


def publish(name="ruler", *, bins=range(45, 91), first_pgc=1, source="test"):
    """Publish one standard a bin."""
    entries = [StandardEntry(first_pgc + number, bin_deg) for number, bin_deg in enumerate(bins)]
    return standard_set_publish(name=name, entries=entries, source=source).standard_set


@pytest.fixture
def table(tmp_path):
    def write(text, name="standards.csv"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.fixture
def run_command():
    """Run a management command and return what it printed."""

    def run(name, *arguments):
        out = io.StringIO()
        call_command(name, *map(str, arguments), stdout=out)
        return out.getvalue()

    return run
