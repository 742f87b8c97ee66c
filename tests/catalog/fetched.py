"""What tests of fetching ask of the database: galaxies of a sky, what a job told, what is kept."""

import os
import subprocess
import sys
from pathlib import Path

from django.db import connection

from giz.catalog.models import Galaxy, GalaxyImage
from giz.core.models import JobLogLine

REPOSITORY = Path(__file__).resolve().parents[2]


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


def start_command(settings, *arguments):
    """Run the command as a process of its own, on this test's database, media and servers."""
    database = connection.settings_dict
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{database['USER']}@/{database['NAME']}?host={database['HOST']}",
        "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
        "CACHE_URL": settings.CACHES["default"]["LOCATION"],
        "MEDIA_ROOT": str(settings.MEDIA_ROOT),
        "SECRET_KEY": settings.SECRET_KEY,
        "SURVEY_FOLDER": str(settings.SURVEY_FOLDER),
        "SURVEY_URLS": ",".join(settings.SURVEY_URLS),
        "SURVEY_LOCAL_HOSTS": ",".join(settings.SURVEY_LOCAL_HOSTS),
    }
    return subprocess.Popen(
        [sys.executable, "manage.py", *map(str, arguments)],
        cwd=REPOSITORY,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
