"""The size budget: a file or a function that outgrows it hides an idea that deserves a room of its own."""

import ast
from pathlib import Path

from tests.architecture.repository import files_ending, parsed, read

MODULE_LINES = 400
FUNCTION_LINES = 60
TSX_LINES = 250


def lines_of(file: Path) -> int:
    return len(read(file).splitlines())


def length_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Its lines without its docstring: to explain shapes, units and sources must not cost anything."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    docstring = function.body[0] if ast.get_docstring(function) is not None else None
    return lines - ((docstring.end_lineno or 0) - docstring.lineno + 1 if docstring else 0)


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
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and length_of(node) > FUNCTION_LINES:
                found[f"{file}:{node.lineno} {node.name}"] = length_of(node)
    assert found == {}


def test_no_page_component_outgrows_the_budget() -> None:
    assert too_long(files_ending(".tsx"), TSX_LINES) == {}


def test_no_script_of_the_pages_outgrows_the_budget() -> None:
    assert too_long(files_ending(".ts", ".mjs", ".js", ".css"), MODULE_LINES) == {}
