"""Every management command explains itself, and docs/reference/commands.md has it with all its options."""

import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import load_command_class

from giz.core.command import DJANGO_OPTIONS, GizCommand
from tests.architecture.repository import files_ending, own_commands, read

OF_EVERY_COMMAND = {"--help", *DJANGO_OPTIONS}
COMMANDS = sorted(own_commands())
# Modules of the laboratory that are commands: see tests/lab/__init__.py.
LAB = [file for file in files_ending(".py") if file.parts[:2] == ("tests", "lab") and "__main__" in read(file)]


def sections() -> dict[str, str]:
    """The text under each heading ``### `command` `` of the reference."""
    parts = re.split(
        r"^### `(?:python -m tests\.lab\.)?([a-z_]+)`$", read("docs/reference/commands.md"), flags=re.MULTILINE
    )
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def own_options(application: str, name: str) -> list[Any]:
    parser = load_command_class(application, name).create_parser("manage.py", name)
    return [action for action in parser._actions if not OF_EVERY_COMMAND & set(action.option_strings)]


def test_the_reference_has_every_command_and_no_other() -> None:
    assert set(sections()) == {name for _application, name in COMMANDS} | {file.stem for file in LAB}


@pytest.mark.parametrize(("application", "name"), COMMANDS)
def test_a_command_explains_itself_and_its_options(application: str, name: str) -> None:
    assert len(load_command_class(application, name).help) > 30
    unexplained = [action.dest for action in own_options(application, name) if not action.help]
    assert unexplained == []


@pytest.mark.parametrize(("application", "name"), COMMANDS)
def test_the_reference_names_every_option(application: str, name: str) -> None:
    section = sections()[name]
    options = [
        max(action.option_strings, key=len) for action in own_options(application, name) if action.option_strings
    ]
    assert [option for option in options if f"`{option}" not in section] == []
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", section))
    assert named - OF_EVERY_COMMAND <= set(options)


@pytest.mark.parametrize(("application", "name"), COMMANDS)
def test_the_help_of_a_command_is_about_the_command(application: str, name: str) -> None:
    """``up`` and ``migrate`` stand on another floor; ``up`` may keep --verbosity, which it reads."""
    command = load_command_class(application, name)
    shown = command.create_parser("manage.py", name).format_help()
    assert {option for option in DJANGO_OPTIONS if option in shown} <= ({"--verbosity"} if name == "up" else set())
    assert isinstance(command, GizCommand) or name in {"up", "migrate"}


@pytest.mark.parametrize("file", LAB, ids=lambda file: file.stem)
def test_the_reference_names_every_option_of_the_laboratory(file: Path) -> None:
    options = set(re.findall(r'"(--[a-z][a-z0-9-]+)"', read(file)))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z0-9-]+", sections()[file.stem]))
    assert named - OF_EVERY_COMMAND == options
