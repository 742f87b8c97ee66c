"""List every string that a person can read, with file and line.

Run `python -m tests.architecture.strings [SURFACE ...]`, where a surface is one of pages, templates, mails and python.
The list is for reading all words of the product from first to last, and later for translation. Pages are parsed by
TypeScript (`frontend/scripts/strings.mjs`; it needs `frontend/node_modules`), Python by `ast`, templates by Django.
"""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.template.base import DebugLexer, TokenType

from tests.architecture.repository import REPOSITORY as ROOT

Found = tuple[str, int, str]

_TEMPLATES = ("giz", "labeling", "standards")
_SQL = re.compile(
    r"^\s*(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|DROP|ALTER|SET|GRANT|REVOKE|COPY|LOCK|VACUUM|FROM|ORDER BY|AND) "
)
_CODE = re.compile(r"^[\w./:;{}%<>=\-+,*()\[\]'\"|&?#@$^\\]*$")
_WORDS = re.compile(r"[A-Za-z]{2,}.*?\s.*?[A-Za-z]{2,}|[A-Z][a-z]+…?$")
# A single lower-case word is shown to people only in one of these places.
_NAMED = {
    "label",
    "help",
    "help_text",
    "verbose_name",
    "verbose_name_plural",
    "description",
    "short_description",
    "title",
    "empty_label",
}
_HTML_ATTRIBUTE = re.compile(r"""\b(?:title|alt|aria-label|placeholder|value|content)="([^"{]*[A-Za-z]{2,}[^"]*)\"""")


def _of_template(path: Path) -> Iterator[tuple[int, str]]:
    """Texts between tags, texts of attributes and literals in template tags."""
    source = path.read_text(encoding="utf-8")
    kept: list[str] = []
    for token in DebugLexer(source).tokenize():
        if token.token_type == TokenType.VAR:
            kept.append("{" + token.contents + "}")
        elif token.token_type == TokenType.TEXT:
            kept.append(token.contents)
        else:
            yield from (
                (token.lineno or 0, text)
                for text in re.findall(r'"([^"]*\s[^"]*)"', token.contents)
                if token.token_type == TokenType.BLOCK
            )
            kept.append("\n" * token.contents.count("\n"))
    text = "".join(kept)
    if path.suffix == ".html":
        for match in _HTML_ATTRIBUTE.finditer(text):
            yield text.count("\n", 0, match.start()) + 1, match[1]
        text = re.sub(
            r"<(style|script)\b.*?</\1>|<!--.*?-->", lambda gone: "\n" * gone[0].count("\n"), text, flags=re.S
        )
        text = re.sub(r"</?(?:p|h[1-6]|li|ul|div|td|th|tr|label|button|summary|dt|dd|title|a)\b[^>]*>", "\x00", text)
        text = re.sub(r"<[^>]*>", lambda gone: "\n" * gone[0].count("\n"), text)
    line = 1
    for part in re.split(r"\x00|\n\s*\n" if path.suffix == ".html" else r"\n", text):
        if re.search(r"[A-Za-z]{2,}", re.sub(r"\{[^}]*\}", "", part)):
            yield line, part
        line += part.count("\n") + (path.suffix != ".html")


def _docstrings(tree: ast.AST) -> set[int]:
    """The ids of the nodes that are docstrings, or strings that nobody uses."""
    return {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant | ast.JoinedStr)
    }


def _text(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return "".join(
        str(part.value)
        if isinstance(part, ast.Constant)
        else "{" + ast.unparse(part.value) + "}"
        if isinstance(part, ast.FormattedValue)
        else ""
        for part in node.values
    )


def _of_python(path: Path) -> Iterator[tuple[int, str]]:
    """String literals of two words or more that are neither docstrings nor SQL; single words where they are labels."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    aside = _docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            aside |= {id(part) for part in ast.walk(node)} - {id(node)}
    named = {
        id(word.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg in _NAMED
    }
    named |= {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        and any(
            isinstance(name, ast.Name | ast.Attribute) and ast.unparse(name).split(".")[-1] in _NAMED
            for name in node.targets
        )
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant | ast.JoinedStr) or id(node) in aside:
            continue
        if isinstance(node, ast.Constant) and not isinstance(node.value, str):
            continue
        text = _text(node)
        if _SQL.match(text) or (id(node) not in named and (_CODE.match(text) or not _WORDS.search(text))):
            continue
        yield node.lineno, text


def _product(suffix: str) -> list[Path]:
    found = (path for top in _TEMPLATES for path in (ROOT / top).rglob(f"*{suffix}"))
    return sorted(path for path in found if "migrations" not in path.parts and "node_modules" not in path.parts)


def _pages() -> list[Found]:
    printed = subprocess.run(
        ["node", "scripts/strings.mjs"], cwd=ROOT / "frontend", check=True, capture_output=True, text=True
    ).stdout
    return [(f"frontend/{path}", line, text) for path, line, text in json.loads(printed)]


def _templates(*, mails: bool) -> list[Found]:
    paths = [
        path
        for suffix in (".html", ".txt")
        for path in _product(suffix)
        if "templates" in path.parts and ("email" in path.parts) == mails
    ]
    return [(str(path.relative_to(ROOT)), line, text) for path in paths for line, text in _of_template(path)]


def _python() -> list[Found]:
    return [
        (str(path.relative_to(ROOT)), line, text) for path in _product(".py") for line, text in sorted(_of_python(path))
    ]


SURFACES = {
    "pages": _pages,
    "templates": lambda: _templates(mails=False),
    "mails": lambda: _templates(mails=True),
    "python": _python,
}


def strings(surface: str) -> list[str]:
    """`file:line: text` of one surface, in the order of the files, blanks joined."""
    return [f"{path}:{line}: {' '.join(text.split())}" for path, line, text in SURFACES[surface]()]


if __name__ == "__main__":
    for name in sys.argv[1:] or SURFACES:
        sys.stdout.write("\n".join([f"# {name}", *strings(name), ""]))
