"""What tests of fetching ask of the database: galaxies of a sky, what a job told, what is kept."""

from pathlib import Path

from giz.catalog.models import Galaxy, GalaxyImage
from giz.core.models import JobLogLine


def galaxy_at(sky, pgc=4, **values):
    fields = {
        "ra_deg": sky.place.ra.deg,
        "dec_deg": sky.place.dec.deg,
        "d25_arcsec": sky.d25_arcsec,
        "position_angle_deg": sky.position_angle_deg,
    }
    return Galaxy.objects.create(pgc=pgc, **fields | values)


def told():
    return "\n".join(JobLogLine.objects.values_list("text", flat=True))


def state(folder):
    """Rows of pictures, and the bytes of every set of frames."""
    rows = GalaxyImage.objects.values_list("galaxy__pgc", "band", "stem", "sizes_px", "origin", "is_current")
    sets = {path.name: path.read_bytes() for path in Path(folder).rglob("pgc*.fits")}
    return sorted(rows), sets
