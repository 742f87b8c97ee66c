"""Local servers in the place of the surveys, for as long as a test runs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from giz.surveys.cache import DiskCache


@contextmanager
def serving(settings: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Any], Any]]:
    """Give what points the settings at one more server; no pauses between requests, and all of them end at the end."""
    started = []
    settings.SURVEY_FOLDER = folder
    settings.SURVEY_URLS, settings.SURVEY_LOCAL_HOSTS = [], []
    monkeypatch.setattr(DiskCache, "wait_turn", lambda *_: None)

    def start(server: Any) -> Any:
        started.append(server)
        settings.SURVEY_URLS += [f"{name}={url}" for name, url in server.urls.items()]
        settings.SURVEY_LOCAL_HOSTS.append(server.host)
        return server

    yield start
    for server in started:
        server.close()
