"""Campaigns, tasks (leases), votes and consensus; every invariant of one row is a constraint here."""

from labeling.models.campaigns import Campaign, Estimator, Reason, Target, Verdict, random_seed
from labeling.models.consensus import Consensus, CrowdFit, LabelSet, VolunteerFit
from labeling.models.network import NetworkAnswer, NetworkOrder
from labeling.models.votes import Task, Volunteer, Vote

__all__ = [
    "Campaign",
    "Consensus",
    "CrowdFit",
    "Estimator",
    "LabelSet",
    "NetworkAnswer",
    "NetworkOrder",
    "Reason",
    "Target",
    "Task",
    "Verdict",
    "Volunteer",
    "VolunteerFit",
    "Vote",
    "random_seed",
]
