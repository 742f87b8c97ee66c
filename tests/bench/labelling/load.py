"""Clients that label as fast as they are answered, in a process of their own; knows HTTP, and nothing of Django."""

from __future__ import annotations

import http.client
import json
import multiprocessing
import random
import statistics
import threading
import time
import uuid
from dataclasses import dataclass, field
from typing import Any

WARM_UP_S = 3.0


@dataclass(frozen=True)
class Prepared:
    """A campaign that is ready: its name, the clients' session cookies, and the SQL statements of one cycle."""

    campaign: str
    sessions: list[str]
    sql: dict[str, int]


@dataclass
class Figures:
    """Answer times in seconds by request, of cycles that ended within the measured time."""

    seconds: float
    times: dict[str, list[float]] = field(default_factory=lambda: {"next": [], "vote": []})
    cycles: int = 0
    """All of them, the time of warming up included."""
    failed: int = 0
    first_failure: str = ""

    @property
    def cycles_per_s(self) -> float:
        return len(self.times["vote"]) / self.seconds

    def quantile_ms(self, name: str, share: float) -> float:
        times = self.times[name]
        if len(times) < 2:
            return float("nan")
        return 1000 * statistics.quantiles(times, n=1000, method="inclusive")[round(share * 1000) - 1]


class Client:
    """One logged-in person on one connection."""

    def __init__(self, port: int, session: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        token = uuid.uuid4().hex
        self._headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Cookie": f"sessionid={session}; csrftoken={token}",
            "X-CSRFToken": token,
        }

    def post(self, path: str, body: Any) -> tuple[int, Any, float]:
        data = json.dumps(body)
        start = time.perf_counter()
        self._connection.request("POST", f"/api/v1/{path}", data, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        seconds = time.perf_counter() - start
        return answer.status, json.loads(content), seconds


def random_vote(task: str, rng: random.Random) -> dict[str, Any]:
    """A two-step comparison on a full grid that ends inside the window of step B."""
    slot = rng.randrange(1, 10)
    window = min(max(45 + 5 * (slot - 1) - 2, 45), 82)
    steps = [
        {"step": "A", "draws": [0] * 9, "slot": slot},
        {"step": "B", "window": window, "draws": [1] * 9, "slot": rng.randrange(1, 9)},
    ]
    return {
        "key": str(uuid.uuid4()),
        "task": task,
        "trace": {"version": 1, "steps": steps},
        "verdict": "accepted",
        "reasons": [],
        "comment": "",
    }


def _label(client: Client, campaign: str, figures: Figures, begin: float, end: float, seed: int) -> None:
    rng = random.Random(seed)
    while time.perf_counter() < end:
        status, task, next_s = client.post("tasks/", {"campaign": campaign, "held": []})
        vote_s, said = 0.0, task
        if status in (200, 201):
            status, said, vote_s = client.post("votes/", random_vote(task["id"], rng))
        if status not in (200, 201):
            figures.failed += 1
            figures.first_failure = figures.first_failure or f"{status} {said}"
            time.sleep(0.2)
            continue
        figures.cycles += 1
        if begin <= time.perf_counter() < end:
            figures.times["next"].append(next_s)
            figures.times["vote"].append(vote_s)


def _run(port: int, prepared: Prepared, seconds: float, answer: Any) -> None:
    figures = Figures(seconds)
    begin = time.perf_counter() + WARM_UP_S
    threads = [
        threading.Thread(
            target=_label,
            args=(Client(port, session), prepared.campaign, figures, begin, begin + seconds, number),
        )
        for number, session in enumerate(prepared.sessions)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answer.send(figures)


def run_clients(port: int, prepared: Prepared, *, seconds: float) -> Figures:
    """Let every client label for ``seconds`` and return what was measured."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(port, prepared, seconds, theirs))
    process.start()
    theirs.close()
    try:
        figures: Figures = ours.recv()
    finally:
        process.join()
    return figures
