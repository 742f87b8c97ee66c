"""Who sends a request, as far as limits need it, and the limit of requests of one client and of its network."""

import math
from dataclasses import dataclass

from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from giz.core.errors import Refused
from giz.core.throttle import blurred, client_of, count_up

# All visitors of one network (an IPv4 /24, an IPv6 /48) together may use this many times what one of them may.
NETWORK_TIMES = 2
# The share of each common resource (waiting fetches, stored uploads, their bytes) that a group may fill. The rest is
# kept for the groups after it.
SHARES = {"stranger": 0.6, "person": 0.8, "staff": 1.0}
_WORDS = {60: "minute", 3600: "hour"}


@dataclass(frozen=True, slots=True)
class Requester:
    """Who sends a request, as far as the limits need it: no address, only hashes that change every day.

    one : a signed-in user, or an address (an IPv6 /64). network : the network around an anonymous address; empty for
    signed-in users, because a school or an observatory is one network.
    """

    one: str
    network: str = ""
    rank: str = "stranger"

    def most(self, total: int) -> int:
        """How much of a common total the requester's group may fill."""
        return math.ceil(total * SHARES[self.rank])


def requester_of(request: Request, user: object = None) -> Requester:
    """Return who sends this request; `user` is the user of its session, if there is one."""
    if user is not None and getattr(user, "is_authenticated", False):
        rank = "staff" if getattr(user, "is_staff", False) else "person"
        return Requester(blurred(f"person {getattr(user, 'pk', '')}"), rank=rank)
    client = client_of(BaseThrottle().get_ident(request) or "unknown")
    return Requester(blurred(client.one), blurred(client.network))


def count_request(requester: Requester, name: str, most: int, *, per_seconds: int = 60) -> None:
    """Count a request of this requester.

    Raises
    ------
    Refused
        429 ``too_many_requests`` beyond `most` in this minute (or hour), or `NETWORK_TIMES` as many from one network.
        Without a cache nothing is counted.
    """
    for identity, limit in ((requester.one, most), (requester.network, NETWORK_TIMES * most)):
        counted = count_up(name, identity, per_seconds=per_seconds) if identity else None
        if counted is not None and counted.count > limit:
            raise Refused(
                "too_many_requests",
                f"At most {limit} of these requests per {_WORDS[per_seconds]}. Wait a moment.",
                status=429,
                retry_after=counted.wait_seconds,
            )
