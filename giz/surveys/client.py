"""One polite HTTP client for all surveys: guarded, rate limited, cached, capped, patient but not for ever."""

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
from giz.surveys.errors import SurveyError
from giz.surveys.guard import Guard, Target, connect
from giz.surveys.watch import Watch

T = TypeVar("T")
Check = Callable[[Path], None]
REDIRECTS = (301, 302, 303, 307, 308)
MAX_HOPS = 3
TEXT_BYTES, FRAME_BYTES = 8_000_000, 400_000_000
# Of a Content-Length; Python itself refuses to read thousands of them.
LENGTH_DIGITS = 18
DAY_S = 86_400.0
WEEK_S = 7 * DAY_S


@dataclass(frozen=True)
class Manners:
    """How patient and how polite the client is; seconds and bytes.

    An attempt fails when nothing comes for `silence_s`, when after `slow_after_s` fewer than `least_bytes_per_s` came
    on average, or after `longest_s`. It is made up to `attempts` times, but none begins after `give_up_s`, and after
    `within_s` in all only an answer that flows may go on. After `breaker_failures` failed requests in a row a service
    is left alone for `breaker_rest_s`.
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


@dataclass
class _Breaker:
    failures: int = 0
    open_until: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Failed(Exception):
    """One attempt failed in a way that another may not."""

    def __init__(self, error: SurveyError, wait_s: float = 0.0) -> None:
        super().__init__(error.detail)
        self.error = error
        self.wait_s = wait_s


class Client:
    """Fetches addresses into the disk cache and gives the files. Threads may share one.

    services : addresses under which several services answer, on one host perhaps: where one of them fails, the others
        are asked all the same. A host without such an address counts as one service.
    """

    def __init__(
        self, guard: Guard, cache: DiskCache, manners: Manners | None = None, services: Collection[str] = ()
    ) -> None:
        self.guard = guard
        self.cache = cache
        self.manners = manners or Manners()
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
        """Return the file with the answer, from the cache where it is there already.

        Parameters
        ----------
        parameters : appended to the address, each encoded, so that no value can add a parameter of its own.
        check : looks at the file and raises SurveyError ``survey_bad_answer`` if it is no right answer; such an answer
            is never kept, and tried again. One that lies in the cache is looked at, too.
        max_bytes : larger answers are refused.
        max_age_s : how old a cached answer may be; None for what never changes.

        Raises
        ------
        SurveyError
            ``url_not_allowed``, ``fetch_refused``; ``not_found`` (404); ``survey_bad_answer``, ``survey_down``,
            ``no_network``; ``cache_unwritable`` where the disk takes nothing.
        """
        if parameters:
            url = f"{url}?{urlencode(parameters)}"
        target = self.guard.check(url)
        try:
            with self.cache.only_one(url):
                return self._kept(url, check, max_age_s) or self._fetched(url, target, check, max_bytes)
        except OSError as error:  # of the disk: those of the network are in words by now
            raise _unwritable(self.cache.folder, error) from None

    def _kept(self, url: str, check: Check | None, max_age_s: float | None) -> Path | None:
        stored = self.cache.find(url, max_age_s)
        if stored is None or check is None:
            return stored
        try:
            check(stored)
        except (SurveyError, OSError):  # bad, or deleted by somebody in this moment
            return None
        return stored

    def _fetched(self, url: str, target: Target, check: Check | None, max_bytes: int) -> Path:
        breaker = self._breaker(url, target)
        self._check_breaker(breaker, target)
        try:
            with self.cache.receiving() as place:
                self._patiently(url, place, check, max_bytes)
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
        """Return what `parse` makes of a text answer (undecodable bytes become marks).

        Parameters
        ----------
        parse : raises SurveyError ``survey_bad_answer`` for what is no right answer, as a check of `get` does.
        is_whole : whether all that was asked for is there. Where something is missing the answer is asked for again
            after a day: the other side may have been in trouble, or know more by then.
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
        """Ask, and follow at most three redirects, each of them checked like the first address."""
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
                raise SurveyError("fetch_refused", "The survey redirects to what is no address.") from None
        raise SurveyError("fetch_refused", "The survey redirects more than three times.")

    def _ask(self, target: Target, place: Path, max_bytes: int, deadline: float) -> str | None:
        """One request; the body goes into `place`. Returns where a redirect leads."""
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
                if watch.cut_because:  # half of a header would pass for a whole one
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
                f"{target.host} failed {breaker.failures} times in a row; it is left alone for {rest_s:.0f} s.",
            )

    def _count_failure(self, breaker: _Breaker, *, failed: bool) -> None:
        with breaker.lock:
            breaker.failures = breaker.failures + 1 if failed else 0
            if breaker.failures >= self.manners.breaker_failures:
                breaker.open_until = time.monotonic() + self.manners.breaker_rest_s


def _receive(answer: http.client.HTTPResponse, target: Target, place: Path, max_bytes: int, watch: Watch) -> None:
    """Write the body to `place` block by block; it must be what its headers say."""
    if answer.getheader("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise _bad(target, "sent a compressed body that was not asked for")
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
    return SurveyError("cache_unwritable", f"What surveys send can't be kept in {folder} ({error.strerror}).")


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
    """Why a connection failed, without a byte of what the other side sent."""
    if isinstance(error, TimeoutError):
        return "does not answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return "shows a certificate that can't be trusted"
    if isinstance(error, ConnectionRefusedError):
        return "refuses connections"
    if isinstance(error, http.client.HTTPException):
        return f"broke off or does not speak HTTP ({type(error).__name__})"
    return f"can't be reached ({type(error).__name__})"
