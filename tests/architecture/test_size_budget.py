"""The size budget: a file or a function that outgrows it hides an idea that deserves a room of its own."""

import ast
from pathlib import Path

from tests.architecture.repository import files_ending, parsed, read

MODULE_LINES = 400
FUNCTION_LINES = 60
TSX_LINES = 250


def lines_of(file: Path) -> int:
    return len(read(file).splitlines())


def is_written_by_hand(file: Path) -> bool:
    return "migrations" not in file.parts and ".gen." not in file.name


def too_long(files: list[Path], limit: int) -> dict[str, int]:
    return {str(file): lines for file in files if is_written_by_hand(file) and (lines := lines_of(file)) > limit}


def test_no_python_module_outgrows_the_budget() -> None:
    assert too_long(files_ending(".py"), MODULE_LINES) == {}


def test_no_python_function_outgrows_the_budget() -> None:
    found = {}
    for file in filter(is_written_by_hand, files_ending(".py")):
        for node in ast.walk(parsed(file)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    found[f"{file}:{node.lineno} {node.name}"] = lines
    assert found == {}


def test_no_page_component_outgrows_the_budget() -> None:
    assert too_long(files_ending(".tsx"), TSX_LINES) == {}


def test_no_script_of_the_pages_outgrows_the_budget() -> None:
    assert too_long(files_ending(".ts", ".mjs", ".js", ".css"), MODULE_LINES) == {}
