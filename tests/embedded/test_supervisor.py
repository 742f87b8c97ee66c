"""The supervisor with real, small processes: order, restarts with growing pauses, giving up, an ordered end."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from giz.embedded.errors import EmbeddedError
from giz.embedded.logs import PartLog
from giz.embedded.service import Part, has_printed
from giz.embedded.supervisor import Restarter, StopRequestedError, Supervisor

from .conftest import PATIENCE_S, is_running, kill_hard, on_linux, wait_until

STAYS = "import time; print('it is up', flush=True); time.sleep(600)"
DIES = "print('no such table: galaxy', flush=True); raise SystemExit(3)"
IS_DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {STAYS}"
WITH_GRANDCHILD = f"""
import subprocess, sys
print('pid', subprocess.Popen([sys.executable, '-c', {STAYS!r}]).pid)
{STAYS}
"""

pytestmark = on_linux
Run = Callable[..., Restarter]


class Heard:
    """What the parts and the supervisor said."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.words.append(text)

    def show_line(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def runner_of(tmp_path: Path, heard: Heard) -> Run:
    def make(script: str, name: str = "web", *, pause_s: float = 0.01, grace_s: float = 5.0) -> Restarter:
        part = Part(name, (sys.executable, "-c", script), has_printed("it is up"), grace_s=grace_s)
        log = PartLog(tmp_path, name)
        return Restarter(part, log=log, show_line=heard.show_line, say=heard.say, max_failures=3, first_pause_s=pause_s)

    return make


def ticked_until(supervisor: Supervisor, condition: Callable[[], bool]) -> bool:
    def tick() -> bool:
        supervisor.tick()
        return condition()

    return wait_until(tick, PATIENCE_S)


def test_a_part_that_is_killed_is_started_again_with_a_word(runner_of: Run, heard: Heard) -> None:
    supervisor, runner = Supervisor(), runner_of(STAYS)
    supervisor.start(runner)
    first = runner.service.pid
    assert first is not None
    kill_hard(first)
    assert ticked_until(supervisor, lambda: "web is up again." in heard.words)
    assert heard.words[0] == "web ended (signal SIGKILL); starting it again in 0.0 s."
    assert runner.service.pid != first
    supervisor.stop()


def test_pauses_grow_and_the_site_gives_up_with_the_last_words_of_the_part(runner_of: Run, heard: Heard) -> None:
    supervisor = Supervisor()
    with pytest.raises(EmbeddedError) as refusal:
        supervisor.start(runner_of(DIES, pause_s=0.2))
    supervisor.stop()
    assert heard.words == [
        "web ended (exit code 3); starting it again in 0.2 s.",
        "web ended (exit code 3); starting it again in 0.4 s.",
    ]
    assert refusal.value.what.startswith("web ended 3 times in a row (exit code 3). Its last output:\n")
    assert "no such table: galaxy" in refusal.value.what
    assert "web.log" in refusal.value.hint


def test_parts_end_in_reverse_order(runner_of: Run) -> None:
    supervisor, ended = Supervisor(), []
    for name in ("database", "web", "worker"):
        runner = runner_of(STAYS, name)
        orderly = runner.stop
        runner.stop = lambda name=name, orderly=orderly: (orderly(), ended.append(name))  # type: ignore[method-assign]
        supervisor.start(runner)
    supervisor.stop()
    assert ended == ["worker", "web", "database"]


def test_a_deaf_part_is_killed_after_its_grace_and_leaves_no_child(runner_of: Run, heard: Heard) -> None:
    supervisor = Supervisor()
    deaf, parent = runner_of(IS_DEAF, "deaf", grace_s=0.2), runner_of(WITH_GRANDCHILD, "parent")
    supervisor.start(deaf)
    supervisor.start(parent)
    grandchild = next(int(line.split()[2]) for line in heard.lines if line.startswith("parent: pid"))
    pids = [deaf.service.pid, parent.service.pid, grandchild]
    supervisor.stop()
    assert wait_until(lambda: not any(is_running(pid) for pid in pids if pid), PATIENCE_S)


def test_a_request_to_stop_interrupts_a_start(runner_of: Run) -> None:
    supervisor = Supervisor()
    supervisor.start(runner_of("import time; time.sleep(600)"), wait=False)
    supervisor.request_stop()
    with pytest.raises(StopRequestedError):
        supervisor.wait_ready()
    supervisor.stop()


def test_a_second_request_kills_at_once(runner_of: Run) -> None:
    supervisor, runner = Supervisor(), runner_of(IS_DEAF, grace_s=PATIENCE_S)
    supervisor.start(runner)
    pid = runner.service.pid
    assert pid is not None
    supervisor.request_stop()
    supervisor.request_stop()
    supervisor.stop()
    assert not is_running(pid)


def test_a_program_that_is_missing_gives_a_sentence(tmp_path: Path, heard: Heard) -> None:
    part = Part("web", ("/no/such/program",), has_printed(""))
    runner = Restarter(part, log=PartLog(tmp_path, "web"), say=heard.say)
    with pytest.raises(EmbeddedError, match="web can't be started"):
        Supervisor().start(runner)
