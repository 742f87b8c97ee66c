"""Campaigns of galaxies whose truth is known, without pictures to draw."""

from typing import Any

import numpy as np

from giz.catalog.models import SyntheticTruth
from labeling.models import Campaign, Target
from tests.labeling.sky import make_campaign


def make_known_campaign(name: str = "sky", *, targets: int = 40, seed: int = 0, **extra: Any) -> Campaign:
    """Four in five are tilted evenly between 45° and 90°; one in five has a flaw."""
    campaign = make_campaign(name, targets=targets, **extra)
    rng = np.random.default_rng(seed)
    SyntheticTruth.objects.bulk_create(
        SyntheticTruth(
            galaxy_id=galaxy_id,
            inclination_deg=float(rng.uniform(45, 90)),
            reject_reason="merger" if number % 5 == 4 else "",
            galaxy_type="Sb",
            seed=number,
        )
        for number, galaxy_id in enumerate(
            Target.objects.filter(campaign=campaign).order_by("id").values_list("galaxy_id", flat=True)
        )
    )
    return campaign
