"""Observatories that may ask local servers and nothing else."""

import pytest

from giz.surveys.client import Manners
from giz.surveys.observatory import DEFAULT_URLS, Observatory

from .sky import Sky

# Patient enough for a loaded machine that makes frames while it serves them; no pauses.
QUICK = Manners(interval_s=0.0, silence_s=60.0, backoff_s=0.01, give_up_s=3.0)


@pytest.fixture(scope="session")
def sky():
    return Sky()


@pytest.fixture
def observatory(tmp_path):
    """Make an observatory of local servers: their addresses in place of the real ones, their hosts allowed."""

    def make(*servers, manners=QUICK, folder="cache"):
        urls = dict.fromkeys(DEFAULT_URLS, "http://127.0.0.1:9/nobody")
        for server in servers:
            urls |= server.urls
        return Observatory(tmp_path / folder, urls, local_hosts=[server.host for server in servers], manners=manners)

    return make


@pytest.fixture
def serve():
    """Start servers that end with the test."""
    started = []

    def start(server):
        started.append(server)
        return server

    yield start
    for server in started:
        server.close()
