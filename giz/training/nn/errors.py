"""The one way in which training says no."""


class TrainingError(ValueError):
    """Something that can't be trained on or with: a stable code for programs, a sentence for people."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
