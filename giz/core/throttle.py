"""Rate limits: one atomic counter in Valkey a window; with the cache away everybody gets through."""

import hashlib
import time

from django.core.cache import cache
from redis.exceptions import RedisError

from giz.core.errors import Refused


def check_rate(name: str, identity: str, *, limit: int, per_seconds: int) -> None:
    """Count this event and refuse it (429 ``too_many_requests``) when ``limit`` events a window are exceeded.

    ``identity`` is hashed, so that no address or e-mail rests in the cache.
    """
    now = int(time.time())
    digest = hashlib.blake2b(identity.encode(), digest_size=12).hexdigest()
    key = f"rate:{name}:{digest}:{now // per_seconds}"
    cache.add(key, 0, per_seconds + 5)
    try:
        count = cache.incr(key)
    except (ValueError, RedisError):
        return
    if count > limit:
        wait = per_seconds - now % per_seconds
        raise Refused(
            "too_many_requests",
            f"Too many attempts. Please wait {wait} seconds and try again.",
            status=429,
            retry_after=wait,
        )
