"""Expect a refusal by its code, so that its sentence may be reworded."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.core.management import CommandError

from giz.core.errors import Refused
from giz.labelset.schema import LabelSetError
from giz.surveys.survey import SurveyError
from giz.training.nn.data import TrainingError


@contextmanager
def refuses(code: str, *named: str) -> Iterator[None]:
    """Expect a service to refuse with `code`, or a command to end because of it; its sentence names each of `named`."""
    with pytest.raises((Refused, LabelSetError, SurveyError, TrainingError, CommandError)) as caught:
        yield
    error: BaseException | None = caught.value
    while error and not hasattr(error, "code"):
        error = error.__cause__ or error.__context__
    assert getattr(error, "code", None) == code, str(caught.value)
    assert [fact for fact in named if fact not in str(caught.value)] == []
