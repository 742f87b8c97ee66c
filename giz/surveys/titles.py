"""What surveys are called where people read it."""

TITLES = {
    "sdss": "SDSS",
    "panstarrs": "Pan-STARRS",
    "hips": "HiPS (Legacy Surveys, DSS2)",
    "hips-legacy": "DESI Legacy Surveys",
    "hips-dss2": "DSS2",
}


def survey_title(name: str) -> str:
    """The survey in words; its name where it has no title."""
    return TITLES.get(name, name)
