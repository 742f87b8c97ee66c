"""A site with an untrained network; each test has a folder of data of its own."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from giz.core import throttle
from giz.inference import selectors
from giz.inference.requests import turns
from giz.inference.services.runtime import runtime
from giz.training.models import ModelVersion
from tests.inference.sky import register
from tests.training.conftest import model_file  # noqa: F401 - the same file for all of these tests


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    settings.GIZ_HOME = tmp_path / "home"
    # Another thread does not see the rows of a test's open transaction.
    monkeypatch.setattr(runtime, "warm", lambda: None)
    selectors._panels_by_bin.cache_clear()
    runtime.forget()
    turns.fill()
    yield
    runtime.forget()


@pytest.fixture(autouse=True)
def _one_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Count each test's requests in one window of its own, however close the end of the minute is."""
    window = uuid.uuid4().hex
    monkeypatch.setattr(throttle, "window_key", lambda name, identity, _s: f"count:{name}:{identity}:{window}")


@pytest.fixture
def network(db: None, model_file: Path) -> ModelVersion:  # noqa: F811
    return register(model_file)
