"""How much one address may ask in a minute; counters as those of the login (giz/core/throttle.py)."""

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from giz.core.errors import Refused
from giz.core.throttle import count_up

# A school class of forty behind one address gets by; a script that wants thousands runs `manage.py predict`.
SOURCES_A_MINUTE, EVALUATIONS_A_MINUTE = 120, 300
MINUTE = 60


def count_request(request: Request, name: str, most: int) -> None:
    """Count a request of this address.

    Raises
    ------
    Refused
        429 ``too_many_requests`` beyond `most` in this minute. With the cache away nothing is counted.
    """
    address = BaseThrottle().get_ident(request) or "unknown"
    counted = count_up(f"predict-{name}", address, per_seconds=MINUTE)
    if counted is not None and counted.count > most:
        raise Refused(
            "too_many_requests",
            f"At most {most} of these a minute. Wait a moment.",
            status=429,
            retry_after=counted.wait_seconds,
        )
