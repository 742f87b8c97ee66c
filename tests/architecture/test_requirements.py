"""The locked packages: new enough (each bound has a published flaw behind it), hashed, and free of addresses."""

import re

import pytest
from django.conf import settings
from packaging.requirements import Requirement
from packaging.version import Version

from tests.architecture.repository import files_ending, read

# package, oldest version allowed, what is wrong with older ones
MINIMUM_VERSIONS = [
    ("django", "5.2.19", "CVE-2026-114582, CVE-2026-15307, CVE-2025-64459"),
    ("djangorestframework", "3.18.2", "CVE-2026-114138, CVE-2026-114137, CVE-2026-73228"),
    ("pillow", "13.0.0", "CVE-2026-112403, CVE-2026-40192"),
    ("torch", "2.11", "CVE-2025-32434, CVE-2026-24747, CVE-2026-4538"),
    ("gunicorn", "22.0", "CVE-2024-1135, CVE-2024-6827"),
    ("astropy", "5.3.3", "CVE-2023-41334"),
]
MUST_BE_THERE = {"django", "djangorestframework", "pillow"}


def pins(file: str) -> list[Requirement]:
    lines = [line.rstrip(" \\") for line in read(file).splitlines() if re.match(r"[a-z0-9]", line)]
    return [Requirement(line) for line in lines]


def lock_files() -> list[str]:
    return [str(file) for file in files_ending(".txt") if file.parts[0] == "requirements"]


@pytest.mark.parametrize(("package", "minimum", "flaws"), MINIMUM_VERSIONS)
def test_no_locked_version_is_older_than_its_fix(package: str, minimum: str, flaws: str) -> None:
    found = [pin for file in lock_files() for pin in pins(file) if pin.name == package]
    if package in MUST_BE_THERE:
        assert found, f"{package} is locked nowhere"
    for pin in found:
        version = next(iter(pin.specifier)).version
        assert Version(version) >= Version(minimum), f"{package} {version} has {flaws}"


def test_every_pin_is_exact_and_hashed() -> None:
    for file in lock_files():
        entries = re.split(r"\n(?=\S)", read(file).strip())
        assert entries
        for entry in entries:
            assert re.match(r"[a-z0-9._\[\],-]+==\S+", entry), f"{file}: {entry.splitlines()[0]}"
            assert "--hash=sha256:" in entry, f"{file}: {entry.splitlines()[0]}"


def test_lock_files_hold_no_addresses() -> None:
    for file in lock_files():
        assert "://" not in read(file), file
    assert '"resolved"' not in read("frontend/package-lock.json")


def test_the_web_image_needs_no_torch() -> None:
    assert not [pin for pin in pins("requirements/base.txt") if pin.name.startswith("torch")]


def test_celery_reads_json_only() -> None:
    assert settings.CELERY_ACCEPT_CONTENT == ["json"]
    assert settings.CELERY_TASK_SERIALIZER == "json"
