"""The cache. It holds nothing that can't be made again, so a failure of Valkey counts as a miss."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from django.core.cache import cache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.retry import Retry

log = structlog.get_logger("giz.cache")

# A server that hangs delays a request by this long, once for each process and pause.
CONNECT_S = ANSWER_S = 0.5
PAUSE_S = 3.0


class OneClient(RedisCacheClient):
    """Keeps one client for reading and one for writing; Django makes one a call, which costs more than the call."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # A connection that the server closed is opened again; a request that timed out is not repeated.
        retry = Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,))
        waits = {"socket_connect_timeout": CONNECT_S, "socket_timeout": ANSWER_S, "retry": retry}
        super().__init__(*args, **{**waits, **kwargs})
        self._clients: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        if write not in self._clients:
            self._clients[write] = super().get_client(key, write=write)
        return self._clients[write]


# Until when this process leaves a server alone that did not answer.
_silent_until: dict[str, float] = {}


def _forgiving(call: str, default: Any) -> Any:
    """Return a method of the cache that answers ``default`` while the server does not answer."""

    def method(self: "ForgivingRedisCache", *args: Any, **kwargs: Any) -> Any:
        return self._try(call, default, *args, **kwargs)

    return method


class ForgivingRedisCache(RedisCache):
    """Django's Redis cache; while the server does not answer, reads miss and writes are dropped, with a log line.

    After a failure it is left alone for a few seconds, so that a server that hangs delays nobody.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = OneClient
        self._name = server

    def is_silent(self) -> bool:
        """Return whether the server did not answer a moment ago and is left alone."""
        return time.monotonic() < _silent_until.get(self._name, float("-inf"))

    def _ask(self, call: str, *args: Any, **kwargs: Any) -> Any:
        if self.is_silent():
            raise RedisConnectionError("The cache did not answer a moment ago.")
        try:
            return getattr(super(), call)(*args, **kwargs)
        except RedisError as error:
            _silent_until[self._name] = time.monotonic() + PAUSE_S
            log.warning("cache_unavailable", call=call, error=type(error).__name__, pause_s=PAUSE_S)
            raise

    def _try(self, call: str, default: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return self._ask(call, *args, **kwargs)
        except RedisError:
            return default

    def get(self, key: Any, default: Any = None, version: int | None = None) -> Any:
        return self._try("get", default, key, default, version)

    def get_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try("get_many", {}, *args, **kwargs)

    def set_many(self, *args: Any, **kwargs: Any) -> Any:
        return self._try("set_many", [], *args, **kwargs)

    add = _forgiving("add", True)
    set = _forgiving("set", None)
    touch = _forgiving("touch", False)
    delete = _forgiving("delete", False)
    has_key = _forgiving("has_key", False)
    delete_many = _forgiving("delete_many", None)
    clear = _forgiving("clear", False)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        """Raise where the server does not answer: a counter has no default."""
        return self._ask("incr", *args, **kwargs)


Value = TypeVar("Value")
# How long an old value is used while one process makes the next, and how long others wait where there is none.
STALE_SECONDS = 3600
LONGEST_WAIT_S = 10.0


def made_by_one(key: str, seconds: float, make: Callable[[], Value]) -> Value:
    """Return a cached value, renewed after ``seconds`` by one process at a time.

    The other processes get the old value until then. Where there is none they wait, and after ten seconds make it too.
    """
    waits_until = time.monotonic() + LONGEST_WAIT_S
    while True:
        found = cache.get(key)
        if found is not None and time.time() < found[0] + seconds:
            return found[1]  # type: ignore[no-any-return]
        is_mine = cache.add(f"{key}-making", 1, 60)
        if is_mine or time.monotonic() > waits_until:
            break
        if found is not None:
            return found[1]  # type: ignore[no-any-return]
        time.sleep(0.1)
    try:
        value = make()
        cache.set(key, (time.time(), value), STALE_SECONDS)
    finally:
        cache.delete(f"{key}-making")
    return value
