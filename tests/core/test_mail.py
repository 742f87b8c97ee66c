"""Mails without a mail server: files for the operator's eyes; no log and no terminal holds an address or a key."""

import os
import re
import subprocess
import sys
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from django.core.mail import send_mail

from giz.core.mail import KEPT_S, MOST_KEPT, mail_folder
from tests.conftest import REPOSITORY

FOLDER = "giz.core.mail.FolderBackend"


@pytest.fixture
def folder(settings: Any, tmp_path: Path) -> Path:
    settings.EMAIL_BACKEND, settings.GIZ_HOME = FOLDER, tmp_path
    return mail_folder()


@pytest.mark.finding("security S10")
def test_a_mail_is_a_file_that_only_its_owner_reads(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = os.umask(0)
    try:
        send_mail("Würde", "https://giz.example.org/key/abc", "giz@example.org", ["canary@example.org"])
        send_mail("Second", "text", "giz@example.org", ["b@example.org"])
    finally:
        os.umask(before)
    first, second = sorted(folder.glob("*.eml"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert first.stat().st_mode & 0o777 == 0o600
    assert message_from_bytes(first.read_bytes())["To"] == "canary@example.org"
    assert b"Second" in second.read_bytes()
    assert "canary" not in "".join(capfd.readouterr())


@pytest.mark.finding("security S10")
def test_old_mails_are_forgotten(folder: Path) -> None:
    send_mail("Old", "text", "giz@example.org", ["a@example.org"])
    (old,) = folder.glob("*.eml")
    os.utime(old, (old.stat().st_atime, old.stat().st_mtime - KEPT_S - 60))
    for number in range(MOST_KEPT + 1):
        (folder / f"20000101T000000-{number:09d}-aaaaaa.eml").write_bytes(b"")
    send_mail("New", "text", "giz@example.org", ["a@example.org"])
    assert not old.exists()
    kept = sorted(folder.glob("*.eml"))
    assert len(kept) <= MOST_KEPT
    assert b"New" in kept[-1].read_bytes()


@pytest.mark.finding("security S10")
def test_the_default_writes_no_mail_into_a_log(tmp_path: Path) -> None:
    script = "from django.conf import settings; print(settings.EMAIL_BACKEND)"
    said = subprocess.run(
        [sys.executable, "-c", script],
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "GIZ_HOME": str(tmp_path), "SECRET_KEY": "vR8-of-a-test" * 5}
        | {"DJANGO_SETTINGS_MODULE": "giz.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == FOLDER
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    assert re.search(r"EMAIL_BACKEND: \$\{EMAIL_BACKEND:-\}", compose)


@pytest.mark.finding("flow F13")
@pytest.mark.parametrize(
    "address",
    [
        "https://example.org/giz",
        "example.org",
        "ftp://example.org",
        "https://",
        "https://a@b.org",
        "http://h?q=1",
        "http://[::1",
    ],
)
def test_a_site_below_a_path_or_nowhere_is_refused_with_a_sentence(tmp_path: Path, address: str) -> None:
    environment = {"PATH": os.environ["PATH"], "GIZ_HOME": str(tmp_path), "SITE_URL": address}
    done = subprocess.run(
        [sys.executable, "manage.py", "version"], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "SITE_URL must be" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.finding("flow F18")
@pytest.mark.parametrize("below", ["", "/home"])
def test_a_data_folder_that_is_a_file_is_refused_with_a_sentence(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("")
    environment = {"PATH": os.environ["PATH"], "GIZ_HOME": f"{tmp_path}/file{below}"}
    done = subprocess.run(
        [sys.executable, "manage.py", "up"], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "GIZ_HOME must be a folder" in done.stderr
    assert "Traceback" not in done.stderr
