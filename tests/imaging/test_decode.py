"""Safe decoding: every mode comes out as grey or colour, hostile files are refused by name."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from giz.imaging.decode import MAX_BYTES, MAX_SCANS, PictureError, decode_picture, is_blank, load_picture
from tests.hostile import png_chunk, scan_bomb
from tests.memory import at_most


def encoded(picture, form="PNG", **options):
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_of(width, height, *chunks, bits=1, colour=0):
    """A PNG written by hand: header, whatever the case needs, end."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunks) + chunk(b"IEND", b"")


def refusal(data, kind="grey"):
    with pytest.raises(PictureError) as caught:
        decode_picture(data, kind)
    assert caught.value.detail
    return caught.value.code


GRADIENT = np.linspace(0, 255, 64 * 48).reshape(48, 64).astype(np.uint8)


def test_a_grey_png_comes_out_as_it_is():
    assert np.array_equal(decode_picture(encoded(Image.fromarray(GRADIENT)), "grey"), GRADIENT)


def test_a_grey_file_serves_as_colour_with_equal_channels():
    pixels = decode_picture(encoded(Image.fromarray(GRADIENT)), "colour")
    assert pixels.shape == (48, 64, 3)
    assert all(np.array_equal(pixels[..., channel], GRADIENT) for channel in range(3))


def test_a_colour_file_in_a_grey_band_becomes_its_luma():
    red = Image.new("RGB", (40, 40), (255, 0, 0))
    assert set(np.unique(decode_picture(encoded(red), "grey"))) == {76}


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
@pytest.mark.parametrize("kind", ["grey", "colour"])
def test_every_mode_of_png_is_read(mode, kind):
    source = Image.fromarray(GRADIENT.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(GRADIENT)
    picture = source if mode == "I;16" else source.convert(mode)
    pixels = decode_picture(encoded(picture), kind)
    assert pixels.dtype == np.uint8
    assert pixels.shape == ((48, 64) if kind == "grey" else (48, 64, 3))
    assert pixels[0, 0].max() < 10
    assert pixels[-1, -1].min() > 245


def test_sixteen_bit_greys_keep_their_upper_half():
    values = np.full((40, 40), 0x80FF, dtype=np.uint16)
    assert set(np.unique(decode_picture(encoded(Image.fromarray(values)), "grey"))) == {0x80}


def test_cmyk_jpegs_are_read():
    picture = Image.new("CMYK", (40, 40), (0, 255, 255, 0))
    pixels = decode_picture(encoded(picture, "JPEG", quality=95), "colour")
    assert pixels.shape == (40, 40, 3)
    assert pixels[20, 20].tolist() == pytest.approx([255, 0, 0], abs=60)


@pytest.mark.parametrize(("kind", "background"), [("grey", 255), ("colour", 0)])
def test_transparent_pixels_take_the_background_of_their_kind(kind, background):
    picture = Image.new("RGBA", (40, 40), (90, 90, 90, 255))
    picture.paste((10, 20, 30, 0), (0, 0, 10, 10))
    pixels = decode_picture(encoded(picture), kind)
    assert pixels[0, 0].min() == pixels[0, 0].max() == background
    assert pixels[20, 20].min() == pixels[20, 20].max() == 90


def test_a_palette_with_a_transparent_entry_is_composed_too():
    picture = Image.new("P", (40, 40), 1)
    picture.putpalette([255, 0, 0, 0, 0, 255])
    picture.paste(0, (0, 0, 10, 10))
    pixels = decode_picture(encoded(picture, transparency=0), "colour")
    assert pixels[0, 0].tolist() == [0, 0, 0]
    assert pixels[20, 20].tolist() == [0, 0, 255]


def test_an_exif_rotation_does_not_turn_the_galaxy():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(Image.fromarray(GRADIENT), "JPEG", exif=exif)
    assert decode_picture(data, "grey").shape == (48, 64)


def test_the_content_decides_not_the_name():
    assert decode_picture(encoded(Image.fromarray(GRADIENT), "JPEG"), "grey").shape == (48, 64)


@pytest.mark.parametrize("form", ["GIF", "TIFF", "WEBP", "BMP", "ICO", "PPM", "PDF", "EPS", "JPEG2000"])
def test_other_formats_never_reach_a_decoder(form):
    assert refusal(encoded(Image.new("RGB", (64, 64)), form)) == "unsupported_type"


@pytest.mark.parametrize(
    "data",
    [b"", b"\0" * 100, b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>", b"8BPS\0\1" + b"\0" * 64, b"PK\3\4"],
)
def test_what_is_no_picture_is_refused(data):
    assert refusal(data) == "unsupported_type"


def test_decompression_bombs_are_refused_from_the_header_alone():
    # A whole 26000 × 26000 picture in 82 kB, as Pillow would inflate it to 85 MB or more.
    body = zlib.compress(b"\0" * (26000 // 8 + 1) * 26000, 9)
    bomb = png_of(26000, 26000, chunk(b"IDAT", body))
    with at_most(20):
        assert refusal(bomb) == "image_too_large"
        assert refusal(png_of(13000, 13000)) == "image_too_large"


def test_a_jpeg_that_claims_a_huge_size_is_refused_from_its_header():
    data = bytearray(encoded(Image.fromarray(GRADIENT), "JPEG"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", 60000, 60000)
    assert refusal(bytes(data)) == "image_too_large"
    data[frame + 5 : frame + 9] = struct.pack(">HH", 10000, 10000)
    assert refusal(bytes(data)) == "image_too_large"


def text(kind, content):
    """A packed text or profile of each of the kinds that PNG has."""
    heads = {b"zTXt": b"comment\0\0", b"iCCP": b"profile\0\0", b"iTXt": b"comment\0\1\0en\0Bemerkung\0"}
    return chunk(kind, heads[kind] + zlib.compress(content, 9))


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt", b"iCCP"])
def test_a_text_bomb_in_a_png_is_refused_before_it_is_unpacked(kind):
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 9 * 64))
    bomb = text(kind, b"x" * 64_000_000)
    with at_most(20):
        assert refusal(png_of(64, 64, bomb, pixels)) == "image_too_large"
        assert refusal(png_of(64, 64, pixels, bomb)) == "image_too_large"
    assert refusal(png_of(64, 64, *[text(kind, b"x" * 100_000)] * 11, pixels)) == "image_too_large"
    assert decode_picture(png_of(64, 64, text(kind, b"x" * 1000), pixels), "grey").shape == (64, 64)


@pytest.mark.parametrize("size", [(40000, 1), (1, 40000), (4001, 1000), (0, 10)])
def test_oblong_pictures_are_refused(size):
    assert refusal(png_of(*size)) == "bad_aspect"


def test_tiny_pictures_and_huge_files_are_refused():
    assert refusal(encoded(Image.new("L", (31, 31)))) == "image_too_small"
    assert refusal(b"\xff\xd8\xff" + b"\0" * MAX_BYTES) == "image_too_large"


@pytest.mark.parametrize("form", ["PNG", "JPEG"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.95])
def test_files_that_were_cut_off_are_refused(form, share):
    noise = Image.fromarray(np.random.default_rng(1).integers(0, 255, (80, 80), dtype=np.uint8))
    data = encoded(noise, form)
    assert refusal(data[: int(len(data) * share)]) == "bad_picture"


def test_damaged_bytes_are_refused_or_decoded_but_never_crash():
    rng = np.random.default_rng(2)
    good = {form: encoded(Image.fromarray(GRADIENT), form) for form in ("PNG", "JPEG")}
    outcomes = set()
    for _ in range(300):
        for data in good.values():
            broken = bytearray(data)
            for place in rng.integers(0, len(broken), 4):
                broken[place] = rng.integers(0, 256)
            try:
                decode_picture(bytes(broken), "grey")
                outcomes.add("decoded")
            except PictureError as error:
                outcomes.add(error.code)
    assert "bad_picture" in outcomes


def test_a_polyglot_is_only_its_pixels():
    data = encoded(Image.fromarray(GRADIENT)) + b"<script>alert(1)</script>"
    assert np.array_equal(decode_picture(data, "grey"), GRADIENT)


def rgb16(values):
    """A PNG of 48-bit colour, (ny, nx, 3) of up to 65,535; Pillow writes none."""
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    height, width = values.shape[:2]
    return png_of(width, height, chunk(b"IDAT", zlib.compress(rows)), bits=16, colour=2)


@pytest.mark.finding("data 13")
@pytest.mark.parametrize("most", [255, 1023, 2047, 4095, 16383, 32767])
def test_greys_of_a_camera_with_fewer_bits_are_scaled_by_their_own_largest_value(most):
    counts = (GRADIENT.astype(np.float64) * most / 255).astype(np.uint16)
    pixels = decode_picture(encoded(Image.fromarray(counts)), "grey")
    np.testing.assert_allclose(pixels.astype(int), GRADIENT, atol=1)
    hot = np.tile(counts, (8, 8))
    hot[5, 5] = 65535
    assert decode_picture(encoded(Image.fromarray(hot)), "grey").max() == 255
    np.testing.assert_allclose(
        decode_picture(encoded(Image.fromarray(hot)), "grey")[-1], np.tile(GRADIENT[-1], 8), atol=1
    )


@pytest.mark.finding("data 13")
def test_greys_that_use_the_uppermost_bit_stay_as_they_were():
    values = (GRADIENT.astype(np.uint16) * 180).astype(np.uint16)
    np.testing.assert_array_equal(decode_picture(encoded(Image.fromarray(values)), "grey"), values >> 8)


@pytest.mark.finding("data 13")
def test_sixteen_bits_with_few_levels_are_refused_with_what_to_do():
    few = (GRADIENT // 8).astype(np.uint16)
    assert refusal(encoded(Image.fromarray(few))) == "bad_picture"
    colour = np.stack([GRADIENT.astype(np.uint16) * 16] * 3, axis=2)  # twelve bits: sixteen levels of 255 remain
    assert refusal(rgb16(colour), "colour") == "bad_picture"


@pytest.mark.finding("data 13")
def test_colour_of_fewer_bits_is_scaled_alike_in_all_channels():
    colour = np.stack([GRADIENT, GRADIENT // 2, GRADIENT // 4], axis=2).astype(np.uint16)
    full = decode_picture(rgb16(colour * 257), "colour")
    np.testing.assert_array_equal(full, colour)
    np.testing.assert_allclose(decode_picture(rgb16(colour * 120), "colour").astype(int), full, atol=3)


@pytest.mark.finding("data 15")
def test_what_is_drawn_in_the_colour_of_the_background_is_laid_on_the_other():
    light = np.zeros((64, 64, 4), np.uint8)
    light[..., :3] = 255
    light[20:40, 10:50, 3] = 255
    white, black = (
        decode_picture(encoded(Image.fromarray(drawn)), kind)
        for drawn, kind in ((light, "grey"), (light * np.array([0, 0, 0, 1], np.uint8), "colour"))
    )
    assert not is_blank(white)
    assert not is_blank(black)
    assert (white[30, 30], white[0, 0]) == (255, 0)


@pytest.mark.finding("data 15")
def test_moving_pictures_are_refused():
    pixels = chunk(b"IDAT", zlib.compress(b"\0" * 9 * 64))
    moving = png_chunk(b"acTL", struct.pack(">II", 2, 0))
    assert refusal(png_of(64, 64, moving, pixels)) == "unsupported_type"
    out = io.BytesIO()
    frames = [Image.new("L", (64, 64), value) for value in (0, 200)]
    frames[0].save(out, "PNG", save_all=True, append_images=frames[1:])
    assert refusal(out.getvalue()) == "unsupported_type"


@pytest.mark.finding("security S4", "abuse A10")
def test_scans_of_a_jpeg_are_counted_before_it_is_decoded():
    assert refusal(scan_bomb(2048, MAX_SCANS + 1)) == "image_too_large"
    assert decode_picture(scan_bomb(64, 20), "grey").shape == (64, 64)
    real = Image.fromarray(np.random.default_rng(0).integers(0, 255, (300, 300, 3), dtype=np.uint8))
    assert decode_picture(encoded(real, "JPEG", progressive=True), "colour").shape == (300, 300, 3)
    # Bytes that look like scans, within other segments and behind the picture.
    good = encoded(Image.fromarray(GRADIENT), "JPEG", comment=b"\xff\xda" * 500) + b"\xff\xda\0\2" * 500
    assert decode_picture(good, "grey").shape == (48, 64)


@pytest.mark.finding("security S7")
def test_a_large_picture_with_transparency_is_laid_on_its_background_in_strips():
    data = encoded(Image.new("RGBA", (4000, 4000), (90, 90, 90, 128)))
    with at_most(150):  # 64 MB as Pillow holds it, 48 MB of pixels
        assert decode_picture(data, "colour").shape == (4000, 4000, 3)


def test_a_jpeg_of_twice_the_side_that_is_needed_comes_out_smaller():
    large = encoded(Image.fromarray(np.tile(GRADIENT, (50, 50))), "JPEG")
    assert load_picture(large, enough_px=1024).size == (1600, 1200)
    assert load_picture(large).size == (3200, 2400)


@pytest.mark.finding("data 16")
@pytest.mark.parametrize("value", [0, 7, 255])
def test_a_picture_without_contrast_is_blank(value):
    even = np.full((64, 64), value, np.uint8)
    speck = even.copy()
    speck[3, 3:6] = 128
    for pixels in (
        even,
        speck,
        np.stack([even] * 3, axis=2),
        decode_picture(encoded(Image.fromarray(even), "JPEG"), "grey"),
    ):
        assert is_blank(pixels)
    assert not is_blank(GRADIENT)
    small = even.copy()
    small[30:36, 28:38] = 128
    assert not is_blank(small)


@pytest.mark.real_data
def test_every_real_picture_decodes(real_data):
    files = sorted((real_data / "galaxies").iterdir())[::4]
    for file in files:
        kind = "colour" if "_gri." in file.name else "grey"
        pixels = decode_picture(file.read_bytes(), kind)
        assert pixels.ndim == (3 if kind == "colour" else 2), file.name
        assert pixels.std() > 1, file.name


@pytest.mark.finding("security S4")
def test_a_padded_jpeg_is_refused_before_pillow_walks_through_it():
    whole = encoded(Image.fromarray(GRADIENT), "JPEG")
    for padding in (b"\xff" * 5_000_000, b"\xff\0" * 2_500_000, b"\xff" + bytes(5_000_000)):
        assert refusal(whole[:2] + padding + whole[2:]) == "bad_picture"
        assert refusal(whole[:3] + padding) == "bad_picture"
    # As much as cameras leave is read, and what follows the picture is nobody's business.
    padded = whole[:2] + b"\xff" * 4000 + whole[2:] + bytes(5_000_000)
    assert np.array_equal(decode_picture(padded, "grey"), decode_picture(whole, "grey"))
