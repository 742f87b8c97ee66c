"""Constants that the rules of labelling share."""

from datetime import timedelta

UNDO_TIME = timedelta(minutes=5)
TOO_FAST_S = 1
MAX_LEASES = 4
MAX_LEASE_HOURS = 4
MAX_COMMENT = 500
# One day.
MAX_SHOWN_MS = 86_400_000
# Origin of the accounts of simulated crowds; no import can have this name, because it contains a space.
SIMULATED_SOURCE = "simulated crowd"
# Votes with one of these flags count in no aggregation.
WEIGHTLESS_FLAGS = ("too_fast", "implausible")
