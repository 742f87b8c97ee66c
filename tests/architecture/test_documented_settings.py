"""Every environment variable that the code reads is documented, offered in .env.example, and passed on by Compose."""

import ast
import re
from collections.abc import Iterator

import yaml

from tests.architecture.repository import parsed, product_modules, read

READERS = {"text", "integer", "boolean", "words", "path", "choice"}
# Django's own switch, which our entry points set, and the plain environment of the system.
NOT_OURS = {"DJANGO_SETTINGS_MODULE", "PATH", "PYTHONUNBUFFERED"}
COMPOSE_ONLY = {"POSTGRES_PASSWORD", "WEB_PUBLISH", "WEB_WORKERS", "WORKER_CONCURRENCY", "GIZ_VERSION"}
COMPOSE_ONLY |= {"POSTGRES_RUNTIME_PASSWORD", "WEB_MEMORY", "WORKER_MEMORY", "POSTGRES_MEMORY", "TRAINER_MEMORY"}
# In the image these are as they must be there.
NOT_IN_COMPOSE = {"DEBUG", "STATIC_ROOT", "FRONTEND_DIST"}


def _constant(nodes: list[ast.expr]) -> str:
    return nodes[0].value if nodes and isinstance(nodes[0], ast.Constant) and isinstance(nodes[0].value, str) else ""


def _reads(node: ast.AST) -> str:
    """The name of the variable that this expression reads, or nothing."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        owner = ast.unparse(node.func.value)
        if owner == "env" and node.func.attr in READERS:
            return _constant(node.args)
        if owner in {"os.environ", "environ", "environment"} and node.func.attr == "get":
            return _constant(node.args)
    # Inside giz/env.py the readers go by their bare names.
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in READERS:
        return _constant(node.args)
    if isinstance(node, ast.Subscript) and ast.unparse(node.value) == "os.environ" and isinstance(node.ctx, ast.Load):
        return _constant([node.slice])
    return ""


def variables_read() -> set[str]:
    def found() -> Iterator[str]:
        for file in product_modules():
            for node in ast.walk(parsed(file)):
                name = _reads(node)
                if re.fullmatch(r"[A-Z][A-Z0-9_]+", name):
                    yield name

    return set(found()) - NOT_OURS


def variables_in_example() -> set[str]:
    return set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", read(".env.example"), re.MULTILINE))


def variables_in_reference() -> set[str]:
    return set(re.findall(r"^\| `([A-Z][A-Z0-9_]+)`", read("docs/reference/settings.md"), re.MULTILINE))


def test_the_reader_of_this_test_finds_what_settings_read() -> None:
    assert {"SECRET_KEY", "DATABASE_URL", "GIZ_HOME", "DEBUG", "EMAIL_PORT", "ALLOWED_HOSTS"} <= variables_read()


def test_every_variable_stands_in_the_example_and_the_other_way_round() -> None:
    assert variables_in_example() - COMPOSE_ONLY == variables_read()
    assert variables_in_example() >= COMPOSE_ONLY


def test_every_variable_stands_in_the_reference_and_the_other_way_round() -> None:
    assert variables_in_reference() == variables_read() | COMPOSE_ONLY


def test_compose_passes_every_variable_on() -> None:
    web = yaml.safe_load(read("docker-compose.yml"))["services"]["web"]["environment"]
    assert {name for name in web if not name.startswith("GRANIAN_")} == variables_read() - NOT_IN_COMPOSE
