"""The table of docs/reference/findings.md; ``python -m tests.architecture.findings`` fills in the tests.

A test names the findings that it keeps closed: in Python by ``@pytest.mark.finding("abuse A12")``, in the tests of the
pages by ``[flow F1]`` at the end of its name. The last column of a finding without a test is left alone: it holds the
reason why it was left.
"""

import ast
import re
from collections import defaultdict
from pathlib import Path

from tests.architecture.repository import REPOSITORY, read, repository_files

DOCUMENT = Path("docs/reference/findings.md")
MOST_NAMED = 3
_ROW = re.compile(r"^\| ((?:abuse|security|review|data|flow|fault|ux) [A-Z]?[\d.]+) \| (.+?) \| (.*?) \|$")
# The name of a test of the pages: a text in quotes with findings in brackets.
_PAGE_TEST = re.compile(r"([\"'`])((?:(?!\1)[^\n])*\[(?:abuse|security|review|data|flow|fault|ux) (?:(?!\1)[^\n])*)\1")
_IN_BRACKETS = re.compile(r"\[((?:abuse|security|review|data|flow|fault|ux) [^\]]+)\]")


def named_tests() -> dict[str, list[str]]:
    """Every finding that a test names, with those tests as ``file::name``, in the order of the files."""
    found: dict[str, list[str]] = defaultdict(list)
    for file in repository_files():
        if file.parts[0] == "tests" and file.suffix == ".py":
            for finding, name in _marked(ast.parse(read(file))):
                found[finding].append(f"{file}::{name}")
        elif ".test.ts" in file.name:
            for _quote, name in _PAGE_TEST.findall(read(file)):
                for listed in _IN_BRACKETS.findall(name):
                    for finding in listed.split(","):
                        found[finding.strip()].append(f"{file}::{_IN_BRACKETS.sub('', name).strip()}")
    return found


def _marked(tree: ast.Module) -> list[tuple[str, str]]:
    """Findings and names of the tests that are marked, by themselves or by their module's ``pytestmark``."""
    tests = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    pairs = [(finding, test.name) for test in tests for finding in _findings(test.decorator_list)]
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(getattr(name, "id", "") == "pytestmark" for name in node.targets):
            pairs += [(finding, "(all)") for finding in _findings([node.value])]
    return pairs


def _findings(expressions: list[ast.expr]) -> list[str]:
    calls = [node for expression in expressions for node in ast.walk(expression) if isinstance(node, ast.Call)]
    named = [call for call in calls if isinstance(call.func, ast.Attribute) and call.func.attr == "finding"]
    return [str(argument.value) for call in named for argument in call.args if isinstance(argument, ast.Constant)]


def rows(document: str) -> dict[str, tuple[str, str]]:
    """The table's findings: what each is about, and what its last column says."""
    return {found[1]: (found[2], found[3]) for line in document.splitlines() if (found := _ROW.match(line))}


def filled(document: str) -> str:
    """The document with the tests of each finding in the table."""
    tests = named_tests()
    lines = []
    for line in document.splitlines():
        if (found := _ROW.match(line)) and found[1] in tests:
            line = f"| {found[1]} | {found[2]} | {_named(tests[found[1]])} |"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _named(tests: list[str]) -> str:
    """Up to three tests in words, the rest as a number."""
    shown = [f"`{test.replace('|', '/')}`" for test in tests[:MOST_NAMED]]
    more = f" and {len(tests) - MOST_NAMED} more" if len(tests) > MOST_NAMED else ""
    return ", ".join(shown) + more


if __name__ == "__main__":
    (REPOSITORY / DOCUMENT).write_text(filled(read(DOCUMENT)), encoding="utf-8")
