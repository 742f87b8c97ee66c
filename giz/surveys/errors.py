"""The one way in which a survey, or our rules about asking it, says no."""


class SurveyError(Exception):
    """A stable code for programs, a sentence for people, and whether the same request may succeed later.

    Codes: ``url_not_allowed``, ``fetch_refused`` (our rules); ``bad_name``, ``not_found``,
    ``not_covered`` (nothing there); ``survey_bad_answer``, ``survey_down``, ``no_network`` (try again later);
    ``cache_unwritable`` (our disk).
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail

    @property
    def is_retryable(self) -> bool:
        return self.code in ("survey_bad_answer", "survey_down", "no_network")
