"""Names of picture files: galaxy, band, variant, and which file is preferred."""

import pytest

from giz.catalog.formats.pictures import PictureName, group_pictures, read_picture_name


@pytest.mark.parametrize(
    ("name", "pgc", "band", "is_survey_copy"),
    [
        ("pgc4_d25x2_rot_g.png", 4, "g", False),
        ("pgc4_d25x2_rot_gri.jpg", 4, "gri", False),
        ("pgc4_d25x2_rot_gri.sdss.jpg", 4, "gri", True),
        ("sub/PGC0004_D25x2_rot_I.JPEG", 4, "i", False),
    ],
)
def test_the_fields_names_are_understood(name, pgc, band, is_survey_copy):
    assert read_picture_name(name) == PictureName(is_survey_copy, name, pgc, band)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pgc4_128x128_85.g.jpg", "training copy"),
        ("pgc4_64x64_F.gri.jpg", "training copy"),
        ("pgc4_d25x2_rot_u.png", "not understood"),
        ("pgc4_d25x2_rot_g.gif", "not understood"),
        ("notes.txt", "not understood"),
        ("pgc0_d25x2_rot_g.png", "begin with 1"),
        ("pgc90000001_d25x2_rot_g.png", "synthetic"),
        ("pgc4_d25x2_rot_g.png.exe", "not understood"),
    ],
)
def test_other_names_are_refused_with_the_reason(name, words):
    assert words in read_picture_name(name)


def test_the_plain_colour_picture_comes_before_the_surveys_copy():
    names = [
        "pgc12_d25x2_rot_r.png",
        "pgc4_d25x2_rot_gri.sdss.jpg",
        "pgc4_d25x2_rot_gri.jpg",
        "pgc4_d25x2_rot_g.png",
        "x",
    ]
    groups, unusable = group_pictures(names)
    assert [(group.pgc, group.band) for group in groups] == [(4, "gri"), (4, "g"), (12, "r")]
    assert [name.path for name in groups[0].candidates] == ["pgc4_d25x2_rot_gri.jpg", "pgc4_d25x2_rot_gri.sdss.jpg"]
    assert [path for path, _ in unusable] == ["x"]


def test_the_order_of_the_folder_does_not_matter():
    names = [f"{folder}/pgc{pgc}_d25x2_rot_{band}.png" for folder in "ba" for pgc in (9, 10) for band in ("i", "g")]
    assert group_pictures(names) == group_pictures(reversed(names))
