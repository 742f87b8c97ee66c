"""The list of slow tests names what exists; `make test-fast` runs nothing that drives a browser or starts a site."""

from tests.architecture.repository import read
from tests.conftest import SLOW, TESTS

HEAVY = ("tests.browser", "playwright", "loop_site", "PostgresServer(", "ValkeyServer(")


def test_each_slow_part_exists() -> None:
    assert [part for part in SLOW if not (TESTS / part).exists()] == []


def test_no_quick_module_drives_a_browser_or_starts_servers() -> None:
    modules = [path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")]
    quick = [module for module in modules if not module.startswith((*SLOW, "architecture/"))]
    assert len(quick) > 100
    assert [(module, word) for module in quick for word in HEAVY if word in read(f"tests/{module}")] == []
