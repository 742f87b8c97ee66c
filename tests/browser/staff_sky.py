"""Run inside a site: a ruler, 22 real and 22 synthetic galaxies with pictures of galaxies, shapes of the real ones."""

from giz.catalog.models import Galaxy, SyntheticTruth
from giz.catalog.selectors import numbers_to_measure
from giz.catalog.services import shapes_measure
from giz.catalog.services.pictures import image_store
from giz.imaging.greys import asinh_grey
from giz.synthetic import make_galaxy
from tests.dashboard.sky import make_set

COUNT, PICTURES, SIZE_PX = 22, 6, 256


def make() -> None:
    make_set("ruler", 1001)
    tilts = [48.0 + 7.5 * number for number in range(PICTURES)]
    greys = [
        asinh_grey(make_galaxy("Sbc", tilt, seed, size_px=SIZE_PX, clean=True).frames[1])
        for seed, tilt in enumerate(tilts)
    ]
    for number in range(COUNT):
        real = Galaxy.objects.create(pgc=number + 1, morphological_type=("Sb", "Sc")[number % 2])
        made = Galaxy.objects.create(pgc=90_000_001 + number, is_synthetic=True)
        SyntheticTruth.objects.create(galaxy=made, seed=number, galaxy_type="Sbc")
        for galaxy in (real, made):
            image_store(galaxy=galaxy, band="r", pixels=greys[number % PICTURES], origin="test")
    shapes_measure(
        numbers=[pgc for pgc in numbers_to_measure() if pgc <= COUNT],
        report=lambda _lines: None,
        after_galaxy=lambda *_: None,
    )
