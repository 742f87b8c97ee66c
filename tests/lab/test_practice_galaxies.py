"""The practice galaxies that come with GIZ are those that the laboratory renders."""

from pathlib import Path

from giz.imaging.sizes import display_path
from labeling.practice import PICTURES, SIZE_PX, practice_galaxies
from tests.lab.practice_galaxies import make, recipes


def test_each_galaxy_has_its_pictures_and_no_other_picture_lies_there() -> None:
    known = {display_path(PICTURES, stem, SIZE_PX) for galaxy in practice_galaxies() for stem in galaxy.images.values()}
    assert known == {Path(file) for file in PICTURES.rglob("*.webp")}


def test_the_recipes_give_the_inclinations_that_are_stated() -> None:
    made = recipes()
    assert [inclination_deg for _type, inclination_deg, _place in made] == [
        galaxy.inclination_deg for galaxy in practice_galaxies()
    ]
    assert make(*made[0]).inclination_deg == practice_galaxies()[0].inclination_deg
