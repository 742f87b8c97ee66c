"""The order of fresh galaxies: what would be learned, five even levels, and one galaxy in five by chance."""

import itertools

import numpy as np

from labeling.aggregation.need import FRESH, WANTED_LEVELS
from labeling.aggregation.usefulness import EXPLORATION_SHARE, NetworkEstimates, levels, lot_of, usefulness


def said(
    inclination_deg: float = 65.0, sigma_deg: float = 2.0, rejection: float = 0.02, spread_deg: float = 0.0
) -> list[float]:
    return [inclination_deg, sigma_deg, rejection, spread_deg]


def useful(*rows: list[float]) -> list[float]:
    return usefulness(NetworkEstimates(*np.array(rows).T), people=3).tolist()


def test_uncertainty_disagreement_and_doubt_about_the_verdict_each_make_a_label_more_useful() -> None:
    plain, unsure, apart, verdict = useful(said(), said(sigma_deg=6), said(spread_deg=4), said(rejection=0.5))
    assert plain < min(unsure, apart, verdict)


def test_models_that_disagree_tell_more_than_one_that_is_as_unsure() -> None:
    together, apart = useful(said(sigma_deg=5), said(sigma_deg=3, spread_deg=4))
    assert apart > together, "the same error, but here a label tells which model is right"


def test_the_same_error_is_worth_more_where_people_see_sharply() -> None:
    edge_on, inclined = useful(said(inclination_deg=88), said(inclination_deg=62))
    assert edge_on > inclined


def test_the_figure_is_information_in_nats() -> None:
    (known,) = useful(said(inclination_deg=65, sigma_deg=5 / 3**0.5, rejection=0))
    assert abs(known - 0.5 * np.log(2)) < 1e-6, "a label as sharp as the network: half a bit"


def test_a_surely_rejected_galaxy_is_of_little_use() -> None:
    rejected, open_one = useful(said(sigma_deg=8, rejection=0.999), said(sigma_deg=8, rejection=0.01))
    assert rejected < 0.1 * open_one


def test_the_levels_are_even_and_hold_the_most_useful_first() -> None:
    rng = np.random.default_rng(5)
    values, lots = rng.random(10_000), rng.random(10_000)
    found = levels(values, lots.tolist())
    counts = [int((found == level).sum()) for level in WANTED_LEVELS]
    assert max(counts) - min(counts) < 150
    chosen = lots >= EXPLORATION_SHARE
    bounds = [
        (values[chosen & (found == level)].min(), values[chosen & (found == level)].max()) for level in WANTED_LEVELS
    ]
    assert all(low >= high for (low, _), (_, high) in itertools.pairwise(bounds))


def test_a_fifth_of_each_level_is_a_random_sample() -> None:
    rng = np.random.default_rng(6)
    values, lots = rng.random(20_000), rng.random(20_000)
    found = levels(values, lots.tolist())
    for level in WANTED_LEVELS:
        by_chance = (lots < EXPLORATION_SHARE) & (found == level)
        assert abs(by_chance.sum() / (found == level).sum() - 0.2) < 0.02
        assert abs(values[by_chance].mean() - 0.5) < 0.03, "as useful as any"


def test_lots_are_a_function_of_seed_and_galaxy_and_even() -> None:
    lots = np.array([lot_of(7, pgc) for pgc in range(20_000)])
    assert lot_of(7, 123) == lots[123]
    assert lot_of(8, 123) != lots[123]
    assert abs((lots < EXPLORATION_SHARE).mean() - EXPLORATION_SHARE) < 0.01
    assert lots.min() >= 0
    assert lots.max() < 1


def test_the_order_of_the_rows_decides_nothing() -> None:
    values, lots = np.zeros(50), [lot_of(1, pgc) for pgc in range(50)]
    forward, backward = levels(values, lots), levels(values, lots[::-1])
    assert forward.tolist() == backward[::-1].tolist()


def test_nothing_to_order_is_no_error() -> None:
    assert levels(np.zeros(0), []).size == 0


def test_galaxies_that_no_network_has_seen_stand_between_the_first_level_and_the_second() -> None:
    assert WANTED_LEVELS[0] < FRESH < WANTED_LEVELS[1]
