"""The health endpoints tell apart a living process and a ready site."""

import pytest
from django.test import Client


def test_healthz_answers_without_the_database(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok"}


@pytest.mark.django_db
def test_readyz_is_ready_when_database_and_cache_answer(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.content
    assert answer.json() == {"status": "ready"}
