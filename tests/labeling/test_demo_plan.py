"""Which galaxies the demo sky has: complete, varied, the same for ever, and silent about its truth."""

from collections import Counter

import pytest

from giz.synthetic import GALAXY_TYPES
from giz.synthetic.population import REASONS_OF_FOURTH
from labeling.demo.plan import FIRST_TARGET_PGC, standard_recipes, target_recipe, target_recipes
from labeling.management.commands.demo import DEFAULT_SEED
from standards import grid


def test_every_bin_has_its_standards_at_exactly_its_inclination():
    recipes = standard_recipes(1, 4)
    assert len(recipes) == 46 * 4
    assert Counter(recipe.inclination_deg for recipe in recipes) == dict.fromkeys(map(float, grid.GRID_BINS), 4)
    assert [recipe.pgc for recipe in recipes] == list(range(90_000_001, 90_000_001 + 46 * 4))


def test_the_first_standards_are_one_of_each_bin():
    assert [recipe.inclination_deg for recipe in standard_recipes(1, 4)[:46]] == list(map(float, grid.GRID_BINS))


def test_the_standards_of_a_bin_differ_in_type_and_each_type_is_common():
    recipes = standard_recipes(1, 4)
    for bin_deg in grid.GRID_BINS:
        assert len({recipe.galaxy_type for recipe in recipes if recipe.inclination_deg == bin_deg}) == 4
    counts = Counter(recipe.galaxy_type for recipe in recipes)
    assert set(counts) == set(GALAXY_TYPES)
    assert min(counts.values()) > 20


def test_a_larger_sky_contains_the_smaller_one():
    assert standard_recipes(1, 4)[: 46 * 2] == standard_recipes(1, 2)
    assert target_recipes(1, 300)[:200] == target_recipes(1, 200)


def test_no_two_galaxies_share_a_number_or_a_seed():
    recipes = [*standard_recipes(1, 20), *target_recipes(1, 2000)]
    assert len({recipe.pgc for recipe in recipes}) == len({recipe.seed for recipe in recipes}) == len(recipes)


def test_about_one_target_in_five_is_to_be_rejected_for_every_reason_there_is():
    reasons = Counter(recipe.reject_reason for recipe in target_recipes(DEFAULT_SEED, 200))
    assert 200 - reasons.pop("") == 38
    assert set(reasons) == set(REASONS_OF_FOURTH)
    assert min(reasons.values()) >= 5
    assert sum(bool(recipe.reject_reason) for recipe in target_recipes(DEFAULT_SEED, 12)) == 3


def test_the_other_targets_are_tilted_evenly_over_the_grid():
    tilts = [recipe.inclination_deg for recipe in target_recipes(1, 2000) if not recipe.reject_reason]
    assert min(tilts) >= 45
    assert max(tilts) <= 90
    for low in range(45, 90, 5):
        assert 120 <= sum(low <= tilt < low + 5 for tilt in tilts) <= 240


@pytest.mark.parametrize("seed", [1, 2])
def test_number_and_name_of_a_target_do_not_depend_on_what_it_is(seed):
    for number in range(50):
        recipe = target_recipe(seed, number)
        assert (recipe.pgc, recipe.name) == (FIRST_TARGET_PGC + number, f"Demo {number + 1}")


def test_rejects_do_not_come_in_a_pattern():
    rejected = [bool(recipe.reject_reason) for recipe in target_recipes(1, 2000)]
    by_block = Counter(sum(rejected[start : start + 10]) for start in range(0, 2000, 10))
    assert by_block[0] > 5
    assert sum(count for rejects, count in by_block.items() if rejects >= 4) > 10


def test_another_seed_is_another_sky():
    assert {recipe.seed for recipe in target_recipes(1, 50)}.isdisjoint(recipe.seed for recipe in target_recipes(2, 50))
