"""What the terminal of ``manage.py up`` shows, and what stays in the logs."""

import io

import pytest
from rich.console import Console

from giz.embedded.terminal import JobProgress, Terminal, readable

from .conftest import PATIENCE_S, wait_until


def terminal_and_screen(*, verbose: bool = False) -> tuple[Terminal, io.StringIO]:
    screen = io.StringIO()
    return Terminal(verbose=verbose, console=Console(file=screen, width=100, highlight=False)), screen


def job(done: int, state: str = "running", message: str = "") -> JobProgress:
    return JobProgress(key="1", title="Demo sky", state=state, done=done, total=40, message=message)


def test_requests_stay_in_the_log_and_warnings_are_shown_as_sentences() -> None:
    terminal, screen = terminal_and_screen()
    terminal.part_line("web", '{"event": "request", "level": "info", "path": "/"}')
    terminal.part_line("web", '{"event": "disk_low", "level": "warning", "free_mb": 150, "timestamp": "x"}')
    assert screen.getvalue() == "     web │ disk_low free_mb=150\n"


def test_verbose_shows_every_line() -> None:
    terminal, screen = terminal_and_screen(verbose=True)
    terminal.part_line("web", '{"event": "request", "level": "info", "path": "/"}')
    terminal.part_line("database", "checkpoint complete")
    assert screen.getvalue() == "     web │ request path=/\ndatabase │ checkpoint complete\n"


def test_the_database_speaks_only_of_trouble() -> None:
    terminal, screen = terminal_and_screen()
    terminal.part_line("database", "[12] LOG:  database system is ready to accept connections")
    terminal.part_line("database", "PostgreSQL ended (signal SIGKILL); starting it again in 0.1 s")
    assert screen.getvalue() == "database │ PostgreSQL ended (signal SIGKILL); starting it again in 0.1 s\n"


def test_what_parts_say_while_they_are_being_ended_stays_in_their_logs() -> None:
    terminal, screen = terminal_and_screen()
    terminal.close()
    terminal.part_line("worker", "worker: Warm shutdown (MainProcess)")
    assert screen.getvalue() == ""


def test_control_characters_of_a_part_never_reach_the_terminal() -> None:
    terminal, screen = terminal_and_screen()
    terminal.part_line("web", "\x1b[2J\x07GET /\x9b31m\r[bold]mail[/bold]")
    assert screen.getvalue() == "     web │ [2JGET /31m[bold]mail[/bold]\n"


@pytest.mark.parametrize("line", ["plain words", "{not json", '{"no": "event"}', "[1, 2]"])
def test_lines_that_are_no_log_record_are_shown_as_they_are(line: str) -> None:
    assert readable(line) == (line, "")


def test_an_exception_is_told_by_its_last_line() -> None:
    record = '{"event": "boom", "level": "error", "exception": "Traceback\\n  File x\\nKeyError: 1"}'
    assert readable(record) == ("boom: KeyError: 1", "error")


def test_without_a_terminal_a_job_is_told_in_tenths_and_by_its_end() -> None:
    terminal, screen = terminal_and_screen()
    for progress in (job(0), job(1), job(3), job(9), job(40), job(40, "done", "40 galaxies")):
        terminal.show_jobs([progress])
    assert screen.getvalue().splitlines() == [
        *("Demo sky: 0 %", "Demo sky: 20 %", "Demo sky: 100 %"),
        "Demo sky: done (40 galaxies)",
    ]


def test_in_a_terminal_a_job_has_a_bar_that_goes_when_it_is_done() -> None:
    screen = io.StringIO()
    terminal = Terminal(console=Console(file=screen, width=100, force_terminal=True))
    terminal.show_jobs([job(10, message="standards")])
    terminal.show_jobs([job(20, message="targets")])
    assert wait_until(lambda: "20 of 40" in screen.getvalue(), PATIENCE_S)
    terminal.show_jobs([job(40, "failed", "the disk is full")])
    terminal.close()
    assert "Demo sky: failed (the disk is full)" in screen.getvalue()


def test_the_box_names_what_a_newcomer_needs() -> None:
    terminal, screen = terminal_and_screen()
    terminal.box("GIZ is up after 3.1 s", [("Open", "http://localhost:8000"), ("Stop", "Ctrl-C")])
    lines = [line.strip("│╭╮╰╯─ ") for line in screen.getvalue().splitlines()]
    assert lines == ["GIZ is up after 3.1 s", "", "Open  http://localhost:8000", "Stop  Ctrl-C", "", ""]
