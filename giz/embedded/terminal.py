"""The output of ``manage.py up``: its messages, a box, progress bars of running jobs, and warnings of the parts."""

import contextlib
import json
import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.text import Text

_COLOURS = {
    "database": "blue",
    "broker": "magenta",
    "web": "green",
    "worker": "cyan",
    "votes": "cyan",
    "beat": "yellow",
}
_SHOWN_LEVELS = {"warning", "error", "critical"}
_PLAIN = "not bold default"
_STYLES = {"warning": "yellow", "error": "red", "critical": "bold red"}
# Most lines of PostgreSQL and Valkey are of use only in their logs.
_QUIET_PARTS = {"database", "broker"}
_SHOWN_SIGNS = ("FATAL", "PANIC", "ERROR", "ended (", "is up again", "was damaged")
_STATE_WORDS = {"queued": "waiting for the worker"}


@dataclass(frozen=True)
class JobProgress:
    """The progress of one background job, read from its row."""

    key: str
    title: str
    state: str
    done: int
    total: int
    message: str


class Terminal:
    """Prints from any thread; ``verbose`` shows every line of every part instead of the warnings only."""

    def __init__(self, *, verbose: bool = False, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._verbose = verbose
        self._is_closing = False
        self._lock = threading.Lock()
        self._bars: dict[str, TaskID] = {}
        self._last_said: dict[str, str] = {}
        self._progress: Progress | None = None

    def say(self, text: str, style: str = "") -> None:
        self._print(Text(text, style=style))

    def part_line(self, name: str, line: str) -> None:
        """Show one line of a part, a JSON record as a sentence; the log file keeps every line."""
        shown, level = readable(line)
        if not shown or not (self._verbose or self._is_worth_showing(name, line, level)):
            return
        self._print(Text(f"{name:>8} │ ", style=_COLOURS.get(name, "")).append(shown, style=_STYLES.get(level, _PLAIN)))

    def box(self, title: str, lines: Iterable[tuple[str, str]]) -> None:
        """Print a frame with named lines."""
        text = Text()
        pairs = list(lines)
        width = max(len(name) for name, _ in pairs)
        for number, (name, value) in enumerate(pairs):
            text.append(("\n" if number else "") + name.ljust(width + 2), style="dim")
            text.append(value, style="bold")
        with self._lock:
            self._console.print(Panel(text, title=title, border_style="green", expand=False, padding=(1, 3)))

    def show_jobs(self, jobs: Iterable[JobProgress]) -> None:
        """Draw a bar for each job in a terminal; elsewhere print every 10 %."""
        for job in jobs:
            ended = job.state not in ("queued", "running")
            if self._console.is_terminal:
                self._draw(job, ended=ended)
            elif job.total:
                self._say_once(job, f"{job.title}: {10 * (10 * job.done // job.total)} %")
            if ended:
                self._say_once(job, f"{job.title}: {job.state}" + (f" ({job.message})" if job.message else "."))

    def close(self) -> None:
        """Remove the bars; what the parts write while they stop goes only into their logs."""
        self._is_closing = True
        self._end_bars()
        if self._console.is_terminal:
            # The terminal has written ^C at the start of our line.
            self._print(Text())

    def _end_bars(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
            self._bars.clear()

    def _draw(self, job: JobProgress, *, ended: bool) -> None:
        if self._progress is None:
            if ended:
                return
            columns = (
                TextColumn("{task.description}"),
                BarColumn(),
                TextColumn("{task.fields[count]}"),
                TimeRemainingColumn(),
                TextColumn("{task.fields[message]}", style="dim"),
            )
            self._progress = Progress(*columns, console=self._console, transient=True)
            self._progress.start()
        if job.key not in self._bars and not ended:
            self._bars[job.key] = self._progress.add_task(job.title, total=None, message="", count="")
        if job.key in self._bars:
            self._progress.update(
                self._bars[job.key],
                completed=job.done,
                total=job.total or None,
                count=f"{job.done} of {job.total}" if job.total else "",
                message=job.message if job.state == "running" else _STATE_WORDS.get(job.state, job.state),
            )
        if ended and job.key in self._bars:
            self._progress.remove_task(self._bars.pop(job.key))
        if not self._bars:
            self._end_bars()

    def _say_once(self, job: JobProgress, words: str) -> None:
        if self._last_said.get(job.key) != words:
            self._last_said[job.key] = words
            self.say(words)

    def _print(self, line: Text) -> None:
        with self._lock:
            self._console.print(line, soft_wrap=True)

    def _is_worth_showing(self, name: str, line: str, level: str) -> bool:
        if self._is_closing:
            return False
        if name in _QUIET_PARTS:
            return any(sign in line for sign in _SHOWN_SIGNS)
        return level in _SHOWN_LEVELS or level == ""


def readable(line: str) -> tuple[str, str]:
    """Return a log line for people and its level; a line that is not a JSON record comes back as it is, without one.

    Control characters are dropped, so that quoted text can't control the terminal.
    """
    try:
        record = json.loads(line) if line.startswith("{") else None
    except ValueError:
        record = None
    if not isinstance(record, dict) or "event" not in record:
        return _printable(line), ""
    level = str(record.pop("level", "info")).lower()
    event = str(record.pop("event"))
    trouble = str(record.pop("exception", "")).strip()
    named = [f"{key}={value}" for key, value in record.items() if key not in ("timestamp", "logger")]
    words = " ".join([event, *named])
    return _printable(f"{words}: {trouble.splitlines()[-1]}" if trouble else words), level


def _printable(text: str) -> str:
    return "".join(char for char in text if char.isprintable() or char == "\t")


Reader = Callable[[], list[JobProgress]]


class JobFollower:
    """Reads the rows of jobs in a thread of its own, so that nothing waits for a database that does not answer."""

    def __init__(self, read: Reader, *, every_s: float = 1.0) -> None:
        self._read = read
        self._every_s = every_s
        self._stop = threading.Event()
        self._seen: queue.SimpleQueue[JobProgress] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._follow, name="jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        if self._thread.is_alive():
            # Not for ever: the database may hang, and then the thread ends with the site.
            self._thread.join(0.5)

    def take(self) -> list[JobProgress]:
        """Return what was read since the last call."""
        taken = []
        with contextlib.suppress(queue.Empty):
            while True:
                taken.append(self._seen.get_nowait())
        return taken

    def _follow(self) -> None:
        while not self._stop.wait(self._every_s):
            for job in self._read():
                self._seen.put(job)
