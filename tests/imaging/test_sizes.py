"""Display files: square, in the sizes that suit the source, the same bytes for the same pixels."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from giz.imaging.sizes import border_colour, display_files, display_stem, sizes_for, square


def galaxy(side=300, channels=None):
    y, x = np.mgrid[:side, :side] / side - 0.5
    light = np.exp(-np.hypot(x, 3 * y) * 12)
    grey = (250 - 230 * light).astype(np.uint8)
    return grey if channels is None else np.repeat(grey[..., None], channels, axis=2)


def opened(data):
    picture = Image.open(io.BytesIO(data))
    picture.load()
    return picture


@pytest.mark.parametrize(
    ("side_px", "sizes"),
    [
        (64, (128,)),
        (128, (128,)),
        (200, (128, 256)),
        (256, (128, 256)),
        (257, (128, 256, 512)),
        (419, (128, 256, 512)),
        (512, (128, 256, 512)),
        (3102, (128, 256, 512)),
    ],
)
def test_sizes_go_up_to_the_first_that_holds_all_detail(side_px, sizes):
    assert sizes_for(side_px) == sizes


@pytest.mark.parametrize("channels", [None, 3])
def test_every_size_is_a_square_webp_that_looks_like_the_source(channels):
    made = display_files(galaxy(600, channels))
    assert list(made.files) == [128, 256, 512]
    for size, data in made.files.items():
        picture = opened(data)
        assert (picture.format, picture.size) == ("WEBP", (size, size))
        expected = Image.fromarray(galaxy(600)).resize((size, size), Image.Resampling.BOX)
        difference = np.asarray(picture.convert("L"), float) - np.asarray(expected, float)
        assert np.sqrt((difference**2).mean()) < 3


def test_the_same_pixels_give_the_same_bytes_and_name():
    first, second = display_files(galaxy()), display_files(galaxy())
    assert first == second
    assert display_files(galaxy(301)).stem != first.stem


def test_the_name_is_a_hash_that_knows_the_kind():
    content = "0" * 64
    grey, colour = display_stem(content, is_colour=False), display_stem(content, is_colour=True)
    assert grey != colour
    for stem in (grey, colour):
        assert re.fullmatch(r"([a-z2-7]{2})/\1[a-z2-7]{24}", stem)


def test_the_name_never_changes_within_a_pipeline_version():
    assert display_stem("0" * 64, is_colour=False) == "3w/3wbu67ppipf2um4uhizlfajzvr"


def test_no_metadata_of_the_source_survives():
    picture = opened(display_files(galaxy()).files[256])
    assert not {"exif", "icc_profile", "xmp"} & set(picture.info)


def test_nearly_square_pictures_are_cropped_about_their_centre():
    pixels = galaxy(300)[:, 1:298]
    assert square(pixels).shape == (297, 297)
    assert np.array_equal(square(pixels), pixels[1:298])


def test_oblong_pictures_are_padded_with_their_own_background():
    pixels = np.full((100, 150, 3), (4, 5, 9), dtype=np.uint8)
    pixels[40:60, 60:90] = 200
    padded = square(pixels)
    assert padded.shape == (150, 150, 3)
    assert padded[0, 0].tolist() == [4, 5, 9]
    assert np.array_equal(padded[25:125], pixels)
    assert square(np.full((150, 100), 250, np.uint8)).min() == 250


def test_cut_corners_and_a_star_at_the_border_do_not_set_the_background():
    pixels = np.full((200, 200), 248, dtype=np.uint8)
    for corner in (np.s_[:30, :30], np.s_[-30:, -30:], np.s_[:30, -30:], np.s_[-30:, :30]):
        pixels[corner] = 0
    pixels[90:100, :10] = 20
    assert border_colour(pixels) == 248


def test_arrays_of_another_shape_or_type_are_refused():
    for pixels in (np.zeros((64, 64, 4), np.uint8), np.zeros((64, 64), float), np.zeros(64, np.uint8)):
        with pytest.raises(ValueError, match="uint8 of shape"):
            display_files(pixels)
