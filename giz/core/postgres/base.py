"""The backend of ``DATABASES``: while the server does not answer, requests are refused at once instead of waiting."""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from typing import Any

import psycopg
from django.db.backends.postgresql import base
from psycopg import OperationalError

# After this silence the server is probed: with PROBE_S, a request to a server that hangs ends within five seconds.
SILENCE_S, PROBE_S = 3.0, 2
# How long one probe counts for all connections, and how often the server is probed while it does not answer.
LOOK_COUNTS_S, LOOK_EVERY_S = 1.0, 0.5
_ADDRESS = ("host", "port", "user", "password", "dbname")


class ServerAway(OperationalError):
    """The server does not answer, so nothing waits for it."""


class Watch:
    """Whether the database server answers; one probe counts for all connections of this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._answers = True

    def is_away(self) -> bool:
        return not self._answers

    def note_away(self) -> None:
        """Note that a connection failed: others need not try until a probe succeeds."""
        self._answers = False

    def look(self, asked: dict[str, Any], *, counts_s: float = LOOK_COUNTS_S) -> bool:
        """Return whether the server accepts connections; probe it unless that was done within ``counts_s``."""
        with self._lock:
            return self._look(asked, counts_s)

    def look_unless_busy(self, asked: dict[str, Any]) -> bool:
        """As ``look``, but without waiting while another thread probes."""
        if not self._lock.acquire(blocking=False):
            return self._answers
        try:
            return self._look(asked, LOOK_EVERY_S)
        finally:
            self._lock.release()

    def _look(self, asked: dict[str, Any], counts_s: float) -> bool:
        if time.monotonic() - self._looked_at > counts_s:
            self._answers = _takes_connections(asked)
            self._looked_at = time.monotonic()
        return self._answers


def _takes_connections(asked: dict[str, Any]) -> bool:
    address = {name: value for name, value in asked.items() if name in _ADDRESS}
    try:
        psycopg.connect("", connect_timeout=PROBE_S, **address).close()
    except OperationalError as error:
        # A server that refuses with an error code is running (too many clients, say).
        return error.sqlstate is not None and not error.sqlstate.startswith("57P")
    return True


watch = Watch()


class WatchedConnection(psycopg.Connection[Any]):
    """A connection that stops waiting for an answer when the server accepts no other connection either."""

    _asked: dict[str, Any]

    @classmethod
    def connect(cls, conninfo: str = "", **kwargs: Any) -> WatchedConnection:
        connection = super().connect(conninfo, **kwargs)
        connection._asked = kwargs
        return connection

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        return super().wait(self._watched(gen), *args, **kwargs)

    def _watched(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        """Run ``gen``, which is woken every tenth of a second while nothing arrives."""
        quiet_since = time.monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready:
                    quiet_since = now
                elif now - quiet_since > SILENCE_S:
                    self._look()
                    quiet_since = time.monotonic()
                wanted = gen.send(ready)
        except StopIteration as end:
            return end.value

    def _look(self) -> None:
        asked = getattr(self, "_asked", None)
        if asked is not None and not watch.look(asked):
            # A statement is running, so this connection can send nothing more, not even a rollback.
            self.pgconn.finish()
            raise ServerAway("The database server does not answer.")


class DatabaseWrapper(base.DatabaseWrapper):
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        if watch.is_away():
            if not watch.look_unless_busy(conn_params):
                raise ServerAway("The database server does not answer.")
            self._check_pool()
        try:
            return super().get_new_connection(conn_params)
        except OperationalError as error:
            if error.sqlstate is None:
                watch.note_away()
            raise

    def _check_pool(self) -> None:
        """Check the connections of the pool, which may date from before the server was down."""
        pool = self.pool
        if pool is not None and not pool.closed:
            pool.check()
