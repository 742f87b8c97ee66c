"""PostgreSQL and Valkey of a bench's own, with the schema, Django set up on them, and campaigns made by SQL."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from giz import env
from giz.embedded.layout import Layout
from giz.embedded.shared import shared_servers

if TYPE_CHECKING:
    from labeling.models import Campaign

STANDARDS_A_BIN = 13


@contextmanager
def bench_services(home: Path) -> Iterator[None]:
    """Hold the embedded services of a throw-away GIZ_HOME; nothing of Django may have been imported before."""
    for name in ("DATABASE_URL", "CELERY_BROKER_URL", "CACHE_URL", "MEDIA_ROOT", "STATIC_ROOT"):
        os.environ.pop(name, None)
    os.environ |= {"GIZ_HOME": str(home), "DJANGO_SETTINGS_MODULE": "giz.settings"}
    env.ensure_secret_key()
    with shared_servers(Layout(home), ["postgres", "valkey"]):
        import django
        from django.core.management import call_command
        from django.db import connection

        django.setup()
        import giz.celery  # noqa: F401 - else what is sent from here goes to a broker that Celery makes up

        logging.getLogger().setLevel(logging.WARNING)
        call_command("migrate", verbosity=0)
        try:
            yield
        finally:
            connection.close()
            connection.close_pool()


def bench_campaign(name: str, targets: int, *, bands: Sequence[str] = ("gri", "g", "r", "i")) -> Campaign:
    """Make a draft campaign of new galaxies that have pictures by their rows alone."""
    from django.db import connection
    from django.db.models import Max

    from giz.catalog.models import Galaxy
    from labeling.services.campaigns import campaign_create, targets_add
    from standards.formats import StandardEntry
    from standards.services import standard_set_publish

    first = (Galaxy.objects.aggregate(last=Max("pgc"))["last"] or 0) + 1
    standards = [StandardEntry(first + number, 45.0 + number % 46) for number in range(46 * STANDARDS_A_BIN)]
    first_target = first + len(standards)
    with connection.cursor() as cursor:
        cursor.execute(
            """INSERT INTO catalog_galaxy (pgc, name, morphological_type, is_synthetic, extra, source, updated_at)
               SELECT pgc, '', '', false, '{}', 'bench', now() FROM generate_series(%s, %s) AS pgc""",
            [first, first_target + targets - 1],
        )
        cursor.execute(
            """INSERT INTO catalog_galaxyimage (galaxy_id, band, stem, sizes_px, content_sha256, origin, source_name,
                      source_width_px, source_height_px, is_current)
               SELECT galaxy.id, band, 'ab/' || left(md5(galaxy.pgc || band), 26), '{128,256,512}', '', 'bench', '',
                      512, 512, true
                 FROM catalog_galaxy galaxy CROSS JOIN unnest(%s::text[]) AS band
                WHERE galaxy.pgc BETWEEN %s AND %s""",
            [list(bands), first, first_target + targets - 1],
        )
    standard_set = standard_set_publish(name=name, entries=standards).standard_set
    campaign = campaign_create(name=name, standard_set=standard_set)
    ids = Galaxy.objects.filter(pgc__gte=first_target).values_list("pk", flat=True)
    targets_add(campaign=campaign, galaxy_ids=ids.iterator())
    return campaign
