"""Tables of two surveys, 10,000 rows each, interrupted and repeated: no galaxy twice, none missing."""

import numpy as np
import pytest
from astropy.table import Table

from giz.catalog.jobs import galaxies_import_job
from giz.catalog.models import Galaxy, GalaxyIdentifier
from giz.core.jobs import run_job
from giz.core.models import Job

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = 10_000
LEGACY_ID = "RELEASE+BRICKID+OBJID=ls-dr10"


def places(count):
    """Positions at least 100 arcsec apart, near the equator."""
    row, column = np.divmod(np.arange(count), 200)
    return 150.0 + column * 0.03, -1.0 + row * 0.03


def legacy_table(path):
    """A table as the Legacy Surveys write them: the identifier in three columns, shapes in arcsec."""
    ra, dec = places(ROWS)
    number = np.arange(ROWS)
    Table(
        {
            "RELEASE": np.full(ROWS, 9011, np.int16),
            "BRICKID": (330_000 + number // 100).astype(np.int32),
            "OBJID": (number % 100).astype(np.int32),
            "RA": ra,
            "DEC": dec,
            "SHAPE_R": np.linspace(5, 30, ROWS).astype(np.float32),
        }
    ).write(path)
    return path


def wallaby_table(path):
    """A table as WALLABY writes them, VOTable; its first half lies 2 arcsec from galaxies of the other table."""
    ra, dec = places(ROWS)
    dec = dec + np.where(np.arange(ROWS) < ROWS // 2, 2 / 3600, 6.0)
    Table(
        {
            "name": [f"WALLABY J{number:06d}-{number % 9973:06d}" for number in range(ROWS)],
            "ra": ra,
            "dec": dec,
            "freq": np.full(ROWS, 1.4e9),
        },
        units={"ra": "deg", "dec": "deg", "freq": "Hz"},
    ).write(path, format="votable")
    return path


class PowerCut(BaseException):
    pass


def interrupted(job, after):
    def cut(done, _total, _text):
        if done > after:
            raise PowerCut

    with pytest.raises(PowerCut):
        run_job(job, on_progress=cut)
    Job.objects.update(lease_until="2000-01-01T00:00:00Z")


def test_two_surveys_go_in_once_although_each_is_interrupted_and_repeated(tmp_path, run_command):
    legacy, wallaby = legacy_table(tmp_path / "sweep.fits"), wallaby_table(tmp_path / "wallaby.vot")
    interrupted(galaxies_import_job(legacy, identifiers=[LEGACY_ID]), ROWS // 2)
    assert 0 < Galaxy.objects.count() < ROWS
    said = run_command("import_galaxies", legacy, "--id", LEGACY_ID)
    assert "10,000 new, 0 changed, 0 unchanged; 0 bad rows" in said
    assert "0 by identifier, 0 by position; 0 ambiguous rows refused" in said
    interrupted(galaxies_import_job(wallaby, identifiers=["name=wallaby"]), ROWS // 4)
    said = run_command("import_galaxies", wallaby, "--id", "name=wallaby")
    assert "5,000 new, 5,000 changed, 0 unchanged; 0 bad rows" in said
    assert "0 by identifier, 5,000 by position; 0 ambiguous rows refused" in said
    assert (Galaxy.objects.count(), GalaxyIdentifier.objects.count()) == (15_000, 20_000)
    both = {str(name): name.galaxy.pgc for name in GalaxyIdentifier.objects.select_related("galaxy")}
    assert both["ls-dr10:9011-330000-7"] == both["wallaby:J000007-000007"]
    before = list(Galaxy.objects.order_by("id").values())
    for path, names in ((wallaby, "name=wallaby"), (legacy, LEGACY_ID)):
        said = run_command("import_galaxies", path, "--id", names)
        assert "0 new, 0 changed, 10,000 unchanged" in said
        assert "10,000 by identifier, 0 by position" in said
    assert list(Galaxy.objects.order_by("id").values()) == before
    assert GalaxyIdentifier.objects.count() == 20_000
