"""Numbers that the rules of labelling share."""

from datetime import timedelta

UNDO_TIME = timedelta(minutes=5)
TOO_FAST_S = 1
MAX_LEASES = 4
MAX_LEASE_HOURS = 4
MAX_COMMENT = 500
# Origin of accounts that the simulated crowd votes with; an import can't have this name, for it holds a blank.
SIMULATED_SOURCE = "simulated crowd"
# Votes that bear one of these count in no aggregation.
WEIGHTLESS_FLAGS = ("too_fast", "implausible")
