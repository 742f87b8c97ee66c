"""All remote services of one site, assembled from its settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from giz.surveys.cache import DiskCache, Limits
from giz.surveys.client import STRANGERS, Client, Manners
from giz.surveys.guard import guard_for
from giz.surveys.hips import SURVEYS, HiPS
from giz.surveys.hyperleda import HyperLEDA
from giz.surveys.panstarrs import PanSTARRS
from giz.surveys.sdss import SDSS
from giz.surveys.sesame import Sesame
from giz.surveys.survey import Survey

DEFAULT_URLS = {
    "sdss": "https://data.sdss.org/sas/dr17/eboss/photoObj/frames",
    "skyserver": "https://skyserver.sdss.org/dr17/SkyServerWS/SearchTools/SqlSearch",
    "sdss-pictures": "https://skyserver.sdss.org/dr17/SkyServerWS/ImgCutout/getjpeg",
    "panstarrs": "https://ps1images.stsci.edu/cgi-bin/fitscut.cgi",
    "panstarrs-files": "https://ps1images.stsci.edu/cgi-bin/ps1filenames.py",
    "hips": "https://alasky.cds.unistra.fr/hips-image-services/hips2fits",
    "hyperleda": "http://atlas.obs-hp.fr/hyperleda/fG.cgi",
    "sesame": "https://cds.unistra.fr/cgi-bin/nph-sesame",
}
SURVEY_NAMES = ("sdss", "panstarrs", "hips")


def joined_urls(overrides: Sequence[str]) -> dict[str, str]:
    """Return the services' addresses, with those from the settings (``name=url``) replaced.

    Raises
    ------
    ValueError
        For a word that is not ``name=url`` with a known name.
    """
    urls = dict(DEFAULT_URLS)
    for word in overrides:
        name, separator, url = word.partition("=")
        if not separator or name not in urls or not url.startswith(("http://", "https://")):
            known = ", ".join(sorted(urls))
            raise ValueError(
                f"SURVEY_URLS holds {word[:80]!r}; each must be name=http(s)://…, with a name of: {known}."
            )
        urls[name] = url
    return urls


class Observatory:
    """The surveys, the catalogue and the name resolver, behind one client.

    limits : size of the cache. is_public : for a visitor's request, which may fetch less and uses a small part of the
        cache.
    """

    def __init__(
        self,
        cache_folder: Path,
        urls: Mapping[str, str],
        *,
        local_hosts: Collection[str] = (),
        manners: Manners | None = None,
        limits: Limits | None = None,
        is_public: bool = False,
    ) -> None:
        guard = guard_for(list(urls.values()), local_hosts)
        self.client = Client(
            guard,
            DiskCache(cache_folder, limits, is_public=is_public),
            manners,
            services=urls.values(),
            allowance=STRANGERS if is_public else None,
        )
        self._urls = urls
        self.sdss = SDSS(self.client, urls["skyserver"], urls["sdss"], urls["sdss-pictures"])
        self.catalogue = HyperLEDA(self.client, urls["hyperleda"])
        self.names = Sesame(self.client, urls["sesame"])

    def surveys(self, names: Sequence[str] = SURVEY_NAMES) -> list[Survey]:
        """Return the surveys of these names, in this order; "hips" stands for all of its surveys.

        Raises
        ------
        ValueError
            For an unknown name.
        """
        surveys: list[Survey] = []
        for name in names:
            if name == "sdss":
                surveys.append(self.sdss)
            elif name == "panstarrs":
                surveys.append(PanSTARRS(self.client, self._urls["panstarrs-files"], self._urls["panstarrs"]))
            elif name == "hips":
                surveys.extend(HiPS(self.client, self._urls["hips"], survey) for survey in SURVEYS)
            else:
                raise ValueError(f"Unknown survey {name!r}; choose from {', '.join(SURVEY_NAMES)}.")
        return surveys
