"""Models of labelling: campaigns, tasks (leases), votes, consensus. Constraints keep the invariants of each row."""

from labeling.models.campaigns import Campaign, Estimator, Reason, Target, Verdict, random_seed
from labeling.models.consensus import Consensus, CrowdFit, LabelSet, VolunteerFit
from labeling.models.network import NetworkAnswer, NetworkOrder
from labeling.models.votes import Certificate, Figures, PracticeRound, Suspicion, Task, Volunteer, Vote, VoteTally

__all__ = [
    "Campaign",
    "Certificate",
    "Consensus",
    "CrowdFit",
    "Estimator",
    "Figures",
    "LabelSet",
    "NetworkAnswer",
    "NetworkOrder",
    "PracticeRound",
    "Reason",
    "Suspicion",
    "Target",
    "Task",
    "Verdict",
    "Volunteer",
    "VolunteerFit",
    "Vote",
    "VoteTally",
    "random_seed",
]
