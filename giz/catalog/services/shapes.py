"""Measure galaxies on the pictures that people see, again only when the picture or the rule has changed."""

from collections import Counter
from collections.abc import Callable, Sequence

from giz.catalog.formats.numbers import number_in_words
from giz.catalog.models import GalaxyImage, GalaxyShape
from giz.catalog.storage import display_file_read
from giz.core.vocabulary import GREYS_BY_DEPTH

# Finer pictures give the same ellipse and cost four times as much.
MEASURED_PX = 256
COUNTS = ("measured", "unchanged", "failed")

AfterGalaxy = Callable[[int, dict[str, int], str], None]
Report = Callable[[list[str]], None]


def shapes_measure(
    *,
    numbers: Sequence[int],
    report: Report,
    after_galaxy: AfterGalaxy,
    resume_index: int = 0,
    resume_counts: dict[str, int] | None = None,
) -> dict[str, int]:
    """Measure these galaxies one by one and save a shape, or the problem, of each."""
    counts = Counter(resume_counts or {})
    for done, pgc in enumerate(numbers[resume_index:], start=resume_index + 1):
        outcome, problem = _measure(pgc)
        counts[outcome] += 1
        if problem:
            report([f"{number_in_words(pgc)}: {problem}"])
        after_galaxy(done, {name: counts[name] for name in COUNTS}, number_in_words(pgc))
    return {name: counts[name] for name in COUNTS}


def _measure(pgc: int) -> tuple[str, str]:
    from giz.imaging.measure import MEASURE_RULE

    images = {image.band: image for image in GalaxyImage.objects.filter(galaxy__pgc=pgc, is_current=True)}
    image = next((images[band] for band in GREYS_BY_DEPTH if band in images), None)
    if image is None:
        return "failed", "no grey picture here"
    if GalaxyShape.objects.filter(galaxy_id=image.galaxy_id, stem=image.stem, rule=MEASURE_RULE).exists():
        return "unchanged", ""
    try:
        values = _ellipse(image)
    except OSError:
        # A lost file or a failing storage is not a problem of the galaxy: nothing is saved, so that the next run
        # measures it.
        return "failed", "its picture can't be read now"
    kept = {"stem": image.stem, "band": image.band, "rule": MEASURE_RULE, **values}
    GalaxyShape.objects.update_or_create(galaxy_id=image.galaxy_id, defaults=kept)
    return ("failed", str(values["problem"])) if values["problem"] else ("measured", "")


def _ellipse(image: GalaxyImage) -> dict[str, object]:
    """Return the columns of a shape, or only a problem. Raises OSError if the picture can't be read."""
    import io

    import numpy as np
    from PIL import Image

    from giz.imaging.greys import light_of_grey
    from giz.imaging.measure import ShapeError, measure_shape

    nothing = dict.fromkeys(
        ("x", "y", "semi_major", "axial_ratio", "axial_ratio_error", "angle_deg", "angle_error_deg")
    )
    size_px = next((size for size in sorted(image.sizes_px) if size >= MEASURED_PX), max(image.sizes_px))
    with Image.open(io.BytesIO(display_file_read(image.stem, size_px))) as file:
        grey = np.asarray(file.convert("L"))
    try:
        shape = measure_shape(light_of_grey(grey))
    except ShapeError as error:
        return {**nothing, "problem": str(error)[:200], "is_cut": False}
    return {
        "problem": "",
        "x": (shape.x_px + 0.5) / size_px,
        "y": (shape.y_px + 0.5) / size_px,
        "semi_major": shape.semi_major_px / size_px,
        "axial_ratio": min(shape.axial_ratio, 1.0),
        "axial_ratio_error": shape.axial_ratio_error,
        "angle_deg": shape.angle_deg,
        "angle_error_deg": shape.angle_error_deg,
        "is_cut": shape.is_cut,
    }
