"""What lies in the repository: the top level of the house and nothing else, no traces of a machine, no big files."""

import re
from pathlib import Path

from tests.architecture.repository import REPOSITORY, repository_files

TOP_LEVEL = {
    *("manage.py", "giz", "labeling", "standards", "frontend", "tests", "docs", "requirements"),
    *("pyproject.toml", "docker-compose.yml", "Dockerfile", "Makefile", "README.md", "LICENSE", "SECURITY.md"),
}
# Written in pieces, so that this file does not find itself.
MACHINE_TRACES = re.compile(
    "|".join(
        [
            r"(?<![\w.])/wor" + "k/",
            "/tmp/gi" + r"z/",
            r"pypi\.o" + "rg",
            r"pythonhos" + r"ted\.org",
            r"registry\.np" + r"mjs\.org",
            "/home/" + r"[a-z]+/",
        ]
    )
)
BINARY = {".webp", ".png", ".jpg", ".fits", ".woff2", ".ico", ".onnx", ".gz"}
MAX_BYTES = 1_000_000
# Predictions on the first run are worth these (tests/training/test_shipped_model.py holds its size).
SHIPPED_MODEL = "giz/training/shipped/ours.onnx"


def test_the_top_level_is_the_house_and_nothing_else() -> None:
    top = {file.parts[0] for file in repository_files()}
    assert {name for name in top if not name.startswith(".")} == TOP_LEVEL


def test_giz_holds_wiring_and_packages_only() -> None:
    files = {file.name for file in repository_files() if file.parent == Path("giz")}
    assert files == {"__init__.py", "settings.py", "env.py", "urls.py", "celery.py", "wsgi.py", "asgi.py", "rsgi.py"}


def test_no_file_names_a_machine_or_a_registry() -> None:
    found = []
    for file in repository_files():
        if file.suffix not in BINARY:
            text = (REPOSITORY / file).read_text(encoding="utf-8")
            found += [f"{file}: {match.group()}" for match in MACHINE_TRACES.finditer(text)]
    assert found == []


def test_no_file_is_larger_than_a_megabyte() -> None:
    sizes = {str(file): (REPOSITORY / file).stat().st_size for file in repository_files()}
    assert {name: size for name, size in sizes.items() if size > MAX_BYTES and name != SHIPPED_MODEL} == {}


def test_lines_end_without_carriage_returns() -> None:
    with_returns = [
        str(file)
        for file in repository_files()
        if file.suffix not in BINARY and b"\r\n" in (REPOSITORY / file).read_bytes()
    ]
    # Catalogues of other people come with either line ending, and are read so in tests.
    assert [name for name in with_returns if not name.startswith("tests/data/")] == []
