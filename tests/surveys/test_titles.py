"""Surveys in words."""

from pathlib import Path

from giz.surveys.observatory import DEFAULT_URLS, SURVEY_NAMES, Observatory
from giz.surveys.survey import TITLES, survey_title


def test_every_survey_that_can_be_asked_has_a_title(tmp_path: Path) -> None:
    asked = {survey.name for survey in Observatory(tmp_path, DEFAULT_URLS).surveys()}
    assert asked | set(SURVEY_NAMES) == set(TITLES)
    assert survey_title("panstarrs") == "Pan-STARRS"
    assert (survey_title("of-old"), survey_title("")) == ("of-old", "")
