"""The HTTP client for all surveys: guarded, rate limited, cached, and limited in size, time and attempts."""

from __future__ import annotations

import http.client
import ssl
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlencode, urljoin

from giz.surveys.cache import DiskCache
from giz.surveys.guard import Guard, Target, connect
from giz.surveys.survey import SurveyError
from giz.surveys.watch import Watch

T = TypeVar("T")
Check = Callable[[Path], None]
REDIRECTS = (301, 302, 303, 307, 308)
MAX_HOPS = 3
TEXT_BYTES, FRAME_BYTES = 8_000_000, 400_000_000
# Most digits of a Content-Length; Python refuses to parse thousands.
LENGTH_DIGITS = 18
DAY_S = 86_400.0
WEEK_S = 7 * DAY_S


@dataclass(frozen=True)
class Manners:
    """Timeouts, attempts and rate limit of the client; seconds and bytes.

    An attempt fails when nothing arrives for `silence_s`, when the mean speed after `slow_after_s` is below
    `least_bytes_per_s`, or after `longest_s`. Up to `attempts` are made, none starting after `give_up_s`; after
    `within_s` in all, only an answer that is coming in may continue. After `breaker_failures` failed requests in a row
    a service is not asked for `breaker_rest_s`.
    """

    interval_s: float = 0.5
    silence_s: float = 25.0
    slow_after_s: float = 10.0
    least_bytes_per_s: float = 2_000.0
    longest_s: float = 300.0
    attempts: int = 4
    backoff_s: float = 0.7
    give_up_s: float = 15.0
    within_s: float = 29.0
    breaker_failures: int = 3
    breaker_rest_s: float = 60.0
    user_agent: str = "GIZ (Galaxy Inclination Zoo)"


@dataclass(frozen=True)
class Allowance:
    """Most bytes of one answer, and of all answers of one client; small for visitors' requests."""

    frame_bytes: int = FRAME_BYTES
    total_bytes: float = float("inf")


STRANGERS = Allowance(frame_bytes=60_000_000, total_bytes=250_000_000)


@dataclass
class _Breaker:
    failures: int = 0
    open_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Failed(Exception):
    """An attempt failed, and another may succeed."""

    def __init__(self, error: SurveyError, wait_s: float = 0.0) -> None:
        super().__init__(error.detail)
        self.error = error
        self.wait_s = wait_s


class Client:
    """Fetches addresses into the disk cache and returns the files. Threads may share one.

    services : addresses of services, several perhaps on one host: when one fails, the others are still asked. A host
        without such an address counts as one service.
    allowance : most bytes of one answer and of all.
    """

    def __init__(
        self,
        guard: Guard,
        cache: DiskCache,
        manners: Manners | None = None,
        services: Collection[str] = (),
        allowance: Allowance | None = None,
    ) -> None:
        self.guard = guard
        self.cache = cache
        self.manners = manners or Manners()
        self.allowance = allowance or Allowance()
        self._received_bytes = 0
        self._services = sorted((f"{service.rstrip('/')}/" for service in services), key=len, reverse=True)
        self._breakers: dict[str, _Breaker] = {}
        self._lock = threading.Lock()

    def get(
        self,
        url: str,
        parameters: dict[str, str | int | float] | None = None,
        *,
        check: Check | None = None,
        max_bytes: int = TEXT_BYTES,
        max_age_s: float | None = None,
    ) -> Path:
        """Return the file with the answer, from the cache if it is there.

        Parameters
        ----------
        parameters : appended to the address, each encoded, so that no value can add another parameter.
        check : raises SurveyError ``survey_bad_answer`` for a wrong answer, which is never kept, and requested again.
            Cached answers are checked, too.
        max_bytes : larger answers are refused.
        max_age_s : greatest age of a cached answer; None for data that never change.

        Raises
        ------
        SurveyError
            ``url_not_allowed``, ``fetch_refused``; ``not_found`` (404); ``survey_bad_answer``, ``survey_down``,
            ``no_network``; ``cache_unwritable``, ``cache_full``; ``too_much_data`` beyond the allowance.
        """
        if parameters:
            url = f"{url}?{urlencode(parameters)}"
        target = self.guard.check(url)
        try:
            with self.cache.only_one(url):
                return self._kept(url, check, max_age_s) or self._fetched(url, target, check, max_bytes)
        except OSError as error:  # of the disk; those of the network are SurveyErrors by now
            raise _unwritable(self.cache.folder, error) from None

    def _kept(self, url: str, check: Check | None, max_age_s: float | None) -> Path | None:
        stored = self.cache.find(url, max_age_s)
        if stored is None or check is None:
            return stored
        try:
            check(stored)
        except (SurveyError, OSError):  # bad, or deleted just now
            return None
        return stored

    def _fetched(self, url: str, target: Target, check: Check | None, max_bytes: int) -> Path:
        left_bytes = self.allowance.total_bytes - self._received_bytes
        max_bytes = min(max_bytes, self.allowance.frame_bytes)
        if left_bytes < min(max_bytes, TEXT_BYTES):
            most = f"{self.allowance.total_bytes / 1e6:,.0f}"
            raise SurveyError("too_much_data", f"This field needs more than {most} MB of frames, which is too much.")
        max_bytes = int(min(max_bytes, left_bytes))
        breaker = self._breaker(url, target)
        self._check_breaker(breaker, target)
        try:
            with self.cache.receiving() as place:
                self._patiently(url, place, check, max_bytes)
                self._received_bytes += place.stat().st_size
                stored = self.cache.store(url, place)
        except SurveyError as error:
            self._count_failure(breaker, failed=error.is_retryable)
            raise
        self._count_failure(breaker, failed=False)
        return stored

    def parsed(
        self,
        url: str,
        parameters: dict[str, str | int | float] | None,
        parse: Callable[[str], T],
        *,
        is_whole: Callable[[T], bool] = bool,
        max_age_s: float = WEEK_S,
    ) -> T:
        """Return the parsed text of an answer (undecodable bytes are replaced).

        Parameters
        ----------
        parse : raises SurveyError ``survey_bad_answer`` for a wrong answer, as a check of `get` does.
        is_whole : whether the answer is complete. An incomplete one is requested again after a day, when the service
            may have recovered or know more.
        """
        found: list[T] = []

        def check(path: Path) -> None:
            found.append(parse(path.read_text(encoding="utf-8", errors="replace")))

        self.get(url, parameters, check=check, max_age_s=max_age_s)
        if not is_whole(found[-1]):
            self.get(url, parameters, check=check, max_age_s=min(max_age_s, DAY_S))
        return found[-1]

    def _patiently(self, url: str, place: Path, check: Check | None, max_bytes: int) -> None:
        manners = self.manners
        begin = time.monotonic()
        for attempt in range(1, manners.attempts + 1):
            try:
                self._follow(url, place, max_bytes, begin + manners.within_s)
                if check is not None:
                    self._checked(check, place)
                return
            except _Failed as failed:
                wait_s = max(manners.backoff_s * 2.0 ** (attempt - 1), failed.wait_s)
                is_last = attempt == manners.attempts
                if is_last or time.monotonic() - begin + wait_s > manners.give_up_s:
                    raise failed.error from None
                time.sleep(wait_s)

    def _checked(self, check: Check, place: Path) -> None:
        try:
            check(place)
        except SurveyError as error:
            if error.is_retryable:
                raise _Failed(error) from None
            raise

    def _follow(self, url: str, place: Path, max_bytes: int, deadline: float) -> None:
        """Send the request and follow at most three redirects, each checked like the first address."""
        for _ in range(MAX_HOPS + 1):
            try:
                target = self.guard.check(url)
            except SurveyError:
                raise SurveyError("fetch_refused", "The survey redirects to a host that is not on the list.") from None
            self.cache.wait_turn(target.key, self.manners.interval_s)
            location = self._ask(target, place, max_bytes, deadline)
            if location is None:
                return
            try:
                url = urljoin(f"{target.scheme}://{target.key}{target.path}", location)
            except ValueError:
                raise SurveyError("fetch_refused", "The survey redirects to an invalid address.") from None
        raise SurveyError("fetch_refused", "The survey redirects more than three times.")

    def _ask(self, target: Target, place: Path, max_bytes: int, deadline: float) -> str | None:
        """Send one request and write the body to `place`; returns the target of a redirect."""
        connection: http.client.HTTPConnection | None = None
        manners = self.manners
        with Watch(
            silence_s=manners.silence_s,
            slow_after_s=manners.slow_after_s,
            least_bytes_per_s=manners.least_bytes_per_s,
            longest_s=manners.longest_s,
            deadline=deadline,
        ) as watch:
            try:
                connection = connect(target, watch.left_s, watch.line)
                host = target.host if target.port in (80, 443) else target.key
                headers = {"Host": host, "User-Agent": manners.user_agent, "Accept-Encoding": "identity"}
                connection.request("GET", target.path, headers=headers | {"Connection": "close"})
                answer = connection.getresponse()
                if watch.cut_because:  # half of a header could pass for a whole one
                    raise TimeoutError
                if answer.status in REDIRECTS:
                    return answer.getheader("Location", "")
                _check_status(answer, target)
                watch.body_begins()
                _receive(answer, target, place, max_bytes, watch)
            except SurveyError as error:
                if error.is_retryable:
                    raise _Failed(error) from None
                raise
            except (OSError, http.client.HTTPException, ssl.SSLError) as error:
                words = watch.cut_because or _in_words(error)
                raise _Failed(SurveyError("survey_down", f"{target.host} {words}.")) from None
            finally:
                if connection is not None:
                    connection.close()
        return None

    def _breaker(self, url: str, target: Target) -> _Breaker:
        place = f"{url.partition('?')[0]}/"
        service = next((service for service in self._services if place.startswith(service)), target.key)
        with self._lock:
            return self._breakers.setdefault(service, _Breaker())

    def _check_breaker(self, breaker: _Breaker, target: Target) -> None:
        with breaker.lock:
            rest_s = breaker.open_until - time.monotonic()
        if rest_s > 0:
            raise SurveyError(
                "survey_down",
                f"{target.host} failed {breaker.failures} times in a row; no request is sent for {rest_s:.0f} s.",
            )

    def _count_failure(self, breaker: _Breaker, *, failed: bool) -> None:
        with breaker.lock:
            breaker.failures = breaker.failures + 1 if failed else 0
            if breaker.failures >= self.manners.breaker_failures:
                breaker.open_until = time.monotonic() + self.manners.breaker_rest_s


def _receive(answer: http.client.HTTPResponse, target: Target, place: Path, max_bytes: int, watch: Watch) -> None:
    """Write the body to `place` block by block; it must match its headers."""
    if answer.getheader("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise _bad(target, "sent a compressed response that was not requested")
    promised = answer.getheader("Content-Length", "")
    if promised.isdecimal() and len(promised) > LENGTH_DIGITS:
        raise SurveyError("fetch_refused", f"{target.host} promises an impossible number of bytes.")
    promised_bytes = int(promised) if promised.isdecimal() else None
    if promised_bytes is not None and promised_bytes > max_bytes:
        raise SurveyError(
            "fetch_refused", f"{target.host} sends {promised_bytes:,} bytes; at most {max_bytes:,} are taken."
        )
    size = 0
    with place.open("wb", buffering=0) as out:
        while block := answer.read1(1 << 16):
            size += len(block)
            if size > max_bytes:
                raise SurveyError(
                    "fetch_refused", f"{target.host} sends more than {max_bytes:,} bytes; it was stopped."
                )
            _write(out, block, place)
            watch.received(len(block))
    if watch.cut_because:
        raise TimeoutError
    if size == 0 or (promised_bytes is not None and size < promised_bytes):
        words = "none" if promised_bytes is None else f"{size:,} of the {promised_bytes:,} bytes that it promised"
        raise _bad(target, f"sent {words}")


def _write(out: FileIO, block: bytes, place: Path) -> None:
    rest = memoryview(block)
    try:
        while rest:
            rest = rest[out.write(rest) :]
    except OSError as error:
        raise _unwritable(place.parent, error) from None


def _unwritable(folder: Path, error: OSError) -> SurveyError:
    return SurveyError("cache_unwritable", f"Downloaded frames can't be saved in {folder} ({error.strerror}).")


def _check_status(answer: http.client.HTTPResponse, target: Target) -> None:
    if answer.status == 200:
        return
    if answer.status in (404, 410):
        raise SurveyError("not_found", f"{target.host} has no such file.")
    if answer.status in (429, 503):
        after = answer.getheader("Retry-After", "")
        wait_s = float(after) if after.isdecimal() else 0.0
        raise _Failed(SurveyError("survey_down", f"{target.host} is busy (HTTP {answer.status})."), wait_s)
    if answer.status >= 500:
        raise _Failed(SurveyError("survey_down", f"{target.host} has an error of its own (HTTP {answer.status})."))
    raise SurveyError("fetch_refused", f"{target.host} refuses the request (HTTP {answer.status}).")


def _bad(target: Target, what: str) -> _Failed:
    return _Failed(SurveyError("survey_bad_answer", f"{target.host} {what}."))


def _in_words(error: Exception) -> str:
    """Return why a connection failed, without anything that the other side sent."""
    if isinstance(error, TimeoutError):
        return "does not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "shows a certificate that can't be trusted"
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections"
    if isinstance(error, http.client.HTTPException):
        return f"broke off or does not speak HTTP ({type(error).__name__})"
    return f"can't be reached ({type(error).__name__})"
