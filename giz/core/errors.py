"""The error that services raise when a rule refuses a request."""

from collections.abc import Mapping, Sequence


class Refused(Exception):
    """A rule refuses the request: a stable code for programs, a sentence for people, an HTTP status.

    The API answers ``{code, detail, fields?}`` with ``status``; a management command ends with the sentence.
    """

    def __init__(
        self,
        code: str,
        detail: str,
        *,
        status: int = 400,
        fields: Mapping[str, Sequence[str]] | None = None,
        retry_after: int | None = None,
    ) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.status = status
        self.fields = {name: list(messages) for name, messages in fields.items()} if fields else None
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.detail
