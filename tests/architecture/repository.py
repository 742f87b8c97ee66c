"""What the tests of the repository as a whole share: its files and its own management commands."""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("giz", "labeling", "standards")


@cache
def repository_files() -> tuple[Path, ...]:
    """Every file that is committed or would be (not ignored), relative to the repository."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout, so what belongs to the repository is not known")
    names = listed.stdout.decode().split("\0")
    return tuple(sorted({Path(name) for name in names if name and (REPOSITORY / name).is_file()}))


def files_ending(*endings: str) -> list[Path]:
    return [file for file in repository_files() if file.name.endswith(endings)]


def read(file: Path | str) -> str:
    return (REPOSITORY / file).read_text(encoding="utf-8")


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse(read(file), filename=str(file))


def product_modules() -> list[Path]:
    """The Python files of the product: no tests, no migrations."""
    return [
        file
        for file in files_ending(".py")
        if file.parts[0] in (*PACKAGES, "manage.py") and "migrations" not in file.parts
    ]


def own_commands() -> Iterator[tuple[str, str]]:
    """Application and name of every management command of ours."""
    for file in product_modules():
        if file.parent.name == "commands" and file.parent.parent.name == "management" and file.stem != "__init__":
            yield ".".join(file.parent.parent.parent.parts), file.stem
