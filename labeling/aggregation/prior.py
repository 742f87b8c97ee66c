"""A network's probability of a rejection, adapted to how often a campaign's people reject.

A network learns verdicts with as many rejected galaxies as accepted ones, so its probability p belongs to a share of
`TRAINING_PRIOR`. Where the share is r instead, and rejected and accepted galaxies look as they did in training, Bayes'
rule multiplies the odds by the ratio of the prior odds (Saerens, Latinne & Decaestecker 2002):

    p' / (1 - p') = p / (1 - p) x [r / (1 - r)] / [t / (1 - t)],   t = TRAINING_PRIOR
"""

from __future__ import annotations

# giz/training/nn: batches of verdicts hold as many rejected as accepted galaxies, or the loss weighs them so.
TRAINING_PRIOR = 0.5
LOWEST_PRIOR, HIGHEST_PRIOR = 0.005, 0.995
# With fewer finished galaxies their share of rejections says little.
LEAST_FINISHED = 30


def prior_factor(prior: float | None, before: float | None = None) -> float:
    """Return by what the odds of a rejection change if they go from the share `before` to `prior`.

    None stands for the share in training.
    """
    return _odds(prior) / _odds(before)


def with_prior(probability: float, prior: float | None) -> float:
    """Return a network's probability of a rejection where the share `prior` of the galaxies is rejected.

    0 and 1 stay what they are; so does everything without a prior.
    """
    factor = prior_factor(prior)
    return probability * factor / (probability * factor + (1.0 - probability))


def rejection_rate(rejected: int, finished: int) -> float:
    """Return the share of rejections among finished galaxies, kept within the limits of a prior.

    (k + 1/2) / (n + 1), the mean of the posterior under Jeffreys' prior, so that few galaxies never give 0 or 1.
    """
    return min(max((rejected + 0.5) / (finished + 1.0), LOWEST_PRIOR), HIGHEST_PRIOR)


def _odds(prior: float | None) -> float:
    share = TRAINING_PRIOR if prior is None else prior
    return share / (1.0 - share)
