"""How well the axial ratio gives the inclination, on galaxies of exactly known inclination. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, islice

from giz.imaging.greys import light_of_grey
from giz.imaging.measure import ShapeError, measure_shape
from giz.synthetic.make import display_images
from giz.synthetic.population import draw_member, make_member
from standards.grid import inclination_from_axial_ratio
from standards.proposing import fit_error_deg

# As galaxies of the catalogue are measured: on the grey picture in r, at this size.
BAND, SIZE_PX = "r", 256


@dataclass(frozen=True)
class MeasuredDisk:
    """One disk: its known inclination and the measured one (None, with the problem, where it failed); in degrees."""

    galaxy_type: str
    known_deg: float
    measured_deg: float | None
    fit_error_deg: float
    problem: str = ""


def measure_disks(number: int, seed: int) -> Iterator[MeasuredDisk]:
    """Make the first `number` disks of a population (rejects left out) and measure each on its picture.

    Round middles are left out: the population has more of them than the sky, most of all at edge-on, for training.
    """
    members = (draw_member(seed, place) for place in count())
    for member in islice((one for one in members if not one.reject_reason), number):
        galaxy = make_member(member, SIZE_PX, has_round_middle=False)
        known_deg = galaxy.inclination_deg or 0.0
        try:
            shape = measure_shape(light_of_grey(display_images(galaxy)[BAND]))
        except ShapeError as error:
            yield MeasuredDisk(galaxy.galaxy_type, known_deg, None, 0.0, str(error))
            continue
        axial_ratio = min(shape.axial_ratio, 1.0)
        error_deg = fit_error_deg(axial_ratio, shape.axial_ratio_error)
        yield MeasuredDisk(galaxy.galaxy_type, known_deg, inclination_from_axial_ratio(axial_ratio), error_deg)
