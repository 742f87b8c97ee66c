"""All remote services of one installation, put together from its settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from giz.surveys.cache import DiskCache
from giz.surveys.client import Client, Manners
from giz.surveys.exposure import Survey
from giz.surveys.guard import guard_for
from giz.surveys.hips import SURVEYS, HiPS
from giz.surveys.hyperleda import HyperLEDA
from giz.surveys.names import Sesame
from giz.surveys.panstarrs import PanSTARRS
from giz.surveys.sdss import SDSS

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
    """The services' addresses with those of the settings (``name=url``) in their place.

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
    """The surveys in the order in which they are tried, the catalogue and the name resolver, behind one client."""

    def __init__(
        self,
        cache_folder: Path,
        urls: Mapping[str, str],
        *,
        local_hosts: Collection[str] = (),
        manners: Manners | None = None,
    ) -> None:
        guard = guard_for(list(urls.values()), local_hosts)
        self.client = Client(guard, DiskCache(cache_folder), manners, services=urls.values())
        self._urls = urls
        self.sdss = SDSS(self.client, urls["skyserver"], urls["sdss"], urls["sdss-pictures"])
        self.catalogue = HyperLEDA(self.client, urls["hyperleda"])
        self.names = Sesame(self.client, urls["sesame"])

    def surveys(self, names: Sequence[str] = SURVEY_NAMES) -> list[Survey]:
        """Surveys by name, in this order; "hips" stands for all of its surveys.

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
