"""The deployment files: read by the real Compose and hadolint, no default secrets, the same parts as `manage.py up`."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

from giz.embedded.management.commands.up import worker_queues
from giz.embedded.site import WEB_OPTIONS, SiteOptions, web_part
from giz.imaging import confine
from giz.imaging.decoder import UPLOADS_AT_ONCE
from tests.architecture.repository import REPOSITORY, read

TOOLS = Path(sys.executable).parent
SECRETS = {"SECRET_KEY": "s" * 60, "POSTGRES_PASSWORD": "p" * 24, "SITE_URL": "https://giz.example.org"}


def compose(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    own = {name: value for name, value in os.environ.items() if name in {"PATH", "HOME"}}
    return subprocess.run(
        [TOOLS / "docker-compose", "--env-file", ".env.example", *words],
        cwd=REPOSITORY,
        env={**own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services as Compose itself resolves them."""
    answer = compose("config", **SECRETS)
    assert answer.returncode == 0, answer.stderr
    return dict(yaml.safe_load(answer.stdout)["services"])


@pytest.mark.parametrize("missing", sorted(SECRETS))
def test_compose_refuses_to_start_without_a_secret(missing: str) -> None:
    answer = compose("config", "-q", **{name: value for name, value in SECRETS.items() if name != missing})
    assert answer.returncode != 0
    assert f"{missing}" in answer.stderr
    assert "set it in .env" in answer.stderr


def test_hadolint_finds_nothing_in_the_dockerfile() -> None:
    answer = subprocess.run([TOOLS / "hadolint", "Dockerfile"], cwd=REPOSITORY, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


def test_the_parts_are_those_of_the_house(services: dict[str, Any]) -> None:
    assert set(services) == {"postgres", "valkey", "migrate", "web", "worker", "votes", "beat"}
    assert services["postgres"]["image"] == "postgres:18"


@pytest.mark.parametrize("name", ["migrate", "web", "worker", "votes", "beat"])
def test_our_containers_can_write_only_their_data_and_hold_no_privileges(services: dict[str, Any], name: str) -> None:
    service = services[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert [volume["target"] for volume in service["volumes"]] == ["/data"]
    assert service["image"] == services["web"]["image"]


def test_nothing_but_the_web_port_is_published_and_that_on_the_loopback(services: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in services.items() if service.get("ports")}
    assert list(published) == ["web"]
    assert [port["host_ip"] for port in published["web"]] == ["127.0.0.1"]


@pytest.mark.finding("security S7")
def test_every_container_has_a_limit_of_memory(services: dict[str, Any]) -> None:
    assert [name for name, service in services.items() if not int(service.get("mem_limit", 0))] == []
    processes = int(services["web"]["environment"]["GRANIAN_WORKERS"])
    assert int(services["web"]["mem_limit"]) >= processes * (300e6 + UPLOADS_AT_ONCE * confine.MEMORY_BYTES)


def test_everything_but_the_migration_comes_back_after_a_failure(services: dict[str, Any]) -> None:
    assert {name for name, service in services.items() if service["restart"] != "unless-stopped"} == {"migrate"}


@pytest.mark.finding("security S9")
def test_the_worker_listens_to_every_queue_but_that_of_votes_which_has_its_own(services: dict[str, Any]) -> None:
    def queues(name: str) -> set[str]:
        command = services[name]["command"]
        return set(command[command.index("--queues") + 1].split(","))

    assert queues("worker") == set(worker_queues())
    assert queues("votes") == {settings.VOTES_QUEUE}
    assert settings.VOTES_QUEUE not in worker_queues()


def test_training_has_a_worker_and_an_image_of_its_own_that_start_only_when_asked_for() -> None:
    answer = compose("--profile", "training", "config", **SECRETS)
    assert answer.returncode == 0, answer.stderr
    services = yaml.safe_load(answer.stdout)["services"]
    trainer, worker = services["trainer"], services["worker"]
    command = trainer["command"]
    assert set(command[command.index("--queues") + 1].split(",")) == set(settings.LONG_QUEUES)
    assert command[command.index("--concurrency") + 1] == "1"
    assert trainer["build"]["target"] == "trainer"
    assert (trainer["read_only"], trainer["cap_drop"]) == (True, ["ALL"])
    assert trainer["environment"] == worker["environment"]


def test_the_image_serves_as_make_run_does() -> None:
    """With the same options of granian: they keep slow clients from holding threads."""
    match = re.search(r"^CMD (\[.*?\])", read("Dockerfile").replace("\\\n", ""), re.MULTILINE | re.DOTALL)
    assert match
    command = yaml.safe_load(match[1])
    assert command[1 : len(WEB_OPTIONS) + 1] == list(WEB_OPTIONS)
    assert command[-1] == web_part(SiteOptions(), {}).argv[-1]
    assert "GRANIAN_BLOCKING_THREADS" not in read("Dockerfile")


def test_the_image_runs_without_root_and_copies_only_what_the_context_holds() -> None:
    dockerfile = read("Dockerfile")
    assert re.search(r"^USER [1-9]\d*:[1-9]\d*$", dockerfile, re.MULTILINE)
    served = dockerfile.partition("AS common")[2].replace(dockerfile[dockerfile.index("AS trainer") :], "")
    served += dockerfile.partition("AS site")[2]
    assert "torch" not in re.sub(r"^#.*$", "", served, flags=re.MULTILINE)
    assert dockerfile.rindex("\nFROM ") == dockerfile.index("\nFROM common AS site"), "built where none is named"
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE)
    for source in " ".join(sources).split():
        assert (REPOSITORY / source).exists(), source
