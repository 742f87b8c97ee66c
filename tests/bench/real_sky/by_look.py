"""How right a network is by survey look, bands and size of the pictures: on synthetic galaxies, and on real ones.

``python -m tests.bench.real_sky.by_look [MODEL] [--galaxies N] [--workers N] [--sky FOLDER]``. Every look shows the
same galaxies. Of real galaxies only SDSS colour pictures have inclinations by people; of other surveys it prints what
the network says of pictures whose kind is known.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from giz.core.vocabulary import BANDS
from giz.synthetic.breadth import draw_stretch, stretched
from giz.synthetic.looks import PANSTARRS, SDSS, SurveyLook
from giz.synthetic.observe import observe
from giz.synthetic.photometry import flux_nmgy
from giz.synthetic.population import POPULATION_RULES, Member, draw_member, make_member
from giz.synthetic.viewer import draw_viewer, viewer_rgb
from giz.training.nn.data import pictures_stack
from giz.training.nn.metrics import coverage
from giz.training.nn.predictor import NetworkOutput, Predictor
from tests.bench.real_sky.__main__ import OUT, ROOT, SHIPPED
from tests.bench.real_sky.figures import ask, error_words
from tests.bench.real_sky.sky import TIGHT_FOLDER, load_pixels, read_sky

SEED, RULE = 9001, POPULATION_RULES[-1]
RENDERED_PX, USUAL_PX, SIZES_PX, REAL_SIZES_PX = 512, 256, (64, 128, 256, 512), (32, 48, 64, 88)
LEAST_OTHERS = 3
# Dey et al. 2019 (arXiv:1804.08657): FWHM of 1.29, 1.18, 1.11 arcsec in g, r, z, depths of 24.0, 23.4, 22.5 mag. The
# light of z is that of i here.
LEGACY = SurveyLook(
    name="legacy",
    native_scale_arcsec=0.262,
    sky_mag_arcsec2=(22.0, 21.0, 18.5),
    sky_sigma_mag_arcsec2=(25.01, 24.32, 23.35),
    seeing_factor=0.91,
    seeing_ratio=(1.09, 1.0, 0.94),
    sky_rgb=(8, 8, 8),
)
# Plates of the second Palomar survey (Reid et al. 1991, PASP 103, 661): limits of 22.5, 20.8, 19.5 mag.
PLATES = SurveyLook(
    name="dss2",
    native_scale_arcsec=1.0,
    sky_mag_arcsec2=(21.8, 20.8, 19.5),
    sky_sigma_mag_arcsec2=(25.6, 23.9, 22.6),
    seeing_factor=1.75,
    seeing_ratio=(1.0, 1.0, 1.0),
    sky_rgb=(3, 3, 3),
)
# Densities of a plate stop to grow at this many times the light of the sky.
PLATE_SATURATION = 10.0
VIEWER = "viewer's JPEG"
ROWS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    *((name, name, bands) for name in ("SDSS", "Pan-STARRS") for bands in (BANDS, ("gri",), ("g",), ("r",), ("i",))),
    ("SDSS", "SDSS without i and colour", ("g", "r")),
    ("SDSS", "SDSS without colour", ("g", "r", "i")),
    *(("Legacy", "Legacy grz, no i", bands) for bands in (("g", "r"), ("g", "r", "gri"), ("gri",))),
    *(("DSS plates", "DSS plates", bands) for bands in (("g", "r", "i"), ("g",), ("r",))),
    (VIEWER, VIEWER, ("gri",)),
)
SIZED_ROWS = tuple(row for row in ROWS if (row[0], row[2]) in {("SDSS", BANDS), ("SDSS", ("gri",)), (VIEWER, ("gri",))})
LOOKS: Mapping[str, SurveyLook] = {"SDSS": SDSS, "Pan-STARRS": PANSTARRS, "Legacy": LEGACY, "DSS plates": PLATES}
Pictures = dict[str, npt.NDArray[np.uint8]]


def members() -> Iterator[Member]:
    """Yield members to be measured, without what a look of its own would have to draw anew."""
    number = 0
    while True:
        member = draw_member(SEED, number, rule=RULE)
        number += 1
        if not member.reject_reason and member.beside != "star":
            yield replace(member, survey=SDSS.name, corners=None, missing_band="", is_viewer=False)


def seen(member: Member) -> tuple[float, dict[str, Pictures]]:
    """Return the inclination of a member, and its pictures by look and band, `RENDERED_PX` a side."""
    galaxy = make_member(member, RENDERED_PX)
    if galaxy.noise_free is None or galaxy.inclination_deg is None:
        raise ValueError(f"Member {member.number} is not to be measured.")
    stretch, found = draw_stretch(member.seed), {}
    for name, look in LOOKS.items():
        frames = observe(
            galaxy.noise_free,
            member.seed,
            scale_arcsec=galaxy.pixel_scale_arcsec,
            seeing_arcsec=galaxy.seeing_arcsec * look.seeing_factor,
            noise_offset_mag=float(galaxy.parameters["noise_offset_mag"]),
            field_arcmin=2.0 * float(galaxy.parameters["d25_face_on_arcsec"]) / 60.0,
            clean=False,
            look=look,
        )
        if look is PLATES:
            full = PLATE_SATURATION * flux_nmgy(np.array(look.sky_mag_arcsec2)) * galaxy.pixel_scale_arcsec**2
            full = full[:, None, None]
            frames = (full * -np.expm1(-frames / full)).astype(np.float32)
        found[name] = stretched(frames, galaxy.pixel_scale_arcsec, look.sky_rgb, stretch)
        if look is SDSS:
            found[VIEWER] = {"gri": viewer_rgb(frames, draw_viewer(member.seed), RENDERED_PX)}
    return galaxy.inclination_deg, found


def scaled(pixels: npt.NDArray[np.uint8], size_px: int) -> npt.NDArray[np.uint8]:
    resized = Image.fromarray(pixels).resize((size_px, size_px), Image.Resampling.LANCZOS, reducing_gap=3.0)
    return np.asarray(resized)


def asked(predictor: Predictor, galaxies: list[Pictures], bands: tuple[str, ...], size_px: int) -> NetworkOutput:
    """Ask about these bands of galaxies whose pictures come with `size_px`."""
    stacks = []
    for pictures in galaxies:
        shown = {band: scaled(scaled(pictures[band], size_px), predictor.size_px) for band in bands}
        stacks.append(pictures_stack(shown, [list(bands)]))
    pixels, present = (np.concatenate(parts) for parts in zip(*stacks, strict=True))
    return predictor.predict(pixels, present)


def synthetic_lines(model: Path, count: int, workers: int) -> Iterator[str]:
    with ProcessPoolExecutor(workers) as pool:
        made = list(pool.map(seen, islice(members(), count), chunksize=4))
    truth_deg, predictor = np.array([deg for deg, _ in made]), Predictor(model)

    def line(name: str, look: str, bands: tuple[str, ...], size_px: int) -> str:
        said = asked(predictor, [pictures[look] for _, pictures in made], bands, size_px)
        error_deg, half = np.asarray(said.inclination_deg, float) - truth_deg, np.asarray(said.half_widths_deg, float)
        held = [coverage(error_deg, half[:, level]) for level in (0, 1)]
        rejected = (np.asarray(said.rejection) >= 0.5).mean()
        words = "all bands" if bands == BANDS else " ".join(bands)
        return (
            f"  {f'{name}: {words}':<44} {error_words(error_deg)}  68%: {held[0]:.0%}  95%: {held[1]:.0%}  "
            f"rejected {rejected:.1%}"
        )

    yield f"{count} synthetic galaxies of {RULE} to be measured, in each look; pictures of {USUAL_PX} px"
    yield from (line(name, look, bands, USUAL_PX) for look, name, bands in ROWS)
    for look, name, bands in SIZED_ROWS:
        yield from (line(f"{name}, {size_px} px", look, bands, size_px) for size_px in SIZES_PX)


def real_lines(model: Path, folder: Path, cache: Path) -> Iterator[str]:
    rows = read_sky(folder)
    pixels = load_pixels(folder, rows, Predictor(model).size_px, cache)
    whole = np.array([row.is_measured and not row.is_cut for row in rows])
    people_deg = np.array([row.people_deg for row in rows])[whole]
    yield "real galaxies that people measured, whole: SDSS colour, given with so many pixels for 1.15 x D25"
    for size_px in REAL_SIZES_PX:
        # The network's frame is 1.75 times as wide as the picture (tests/bench/real_sky/sky.py).
        coarse_px = round(size_px * 1.75)
        smaller = [scaled(scaled(one, min(coarse_px, one.shape[0])), one.shape[0]) for one in pixels[whole]]
        said = ask(model, np.stack(smaller))
        yield f"  {size_px:>3} px {error_words(said.deg - people_deg)}  rejected {said.is_rejected.mean():.1%}"
    said = ask(model, pixels)
    yield "real pictures of known kind, not shown to people"
    for survey in sorted({row.survey for row in rows if row.folder != TIGHT_FOLDER}):
        for kind in ("accept", "reject"):
            mine = np.array([row.survey == survey and row.expected == kind for row in rows])
            if mine.sum() >= LEAST_OTHERS:
                what = "edge-on" if kind == "accept" else "to be rejected"
                median = f", median {np.median(said.deg[mine]):.1f}°" if kind == "accept" else ""
                yield f"  {survey:<62} {what:<15} {said.is_rejected[mine].sum():3} of {mine.sum():3} rejected{median}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.real_sky.by_look", description=__doc__)
    parser.add_argument("model", nargs="?", type=Path, default=SHIPPED, help="ONNX file (default: what ships)")
    parser.add_argument("--galaxies", type=int, default=300, help="synthetic ones (default %(default)s)")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes that render")
    parser.add_argument("--sky", type=Path, default=ROOT.parent / "shared" / "real" / "sky", help="folder of sky.csv")
    parser.add_argument("--out", type=Path, default=OUT, help="where scaled real pictures are kept for the next run")
    options = parser.parse_args()
    if options.out.resolve().is_relative_to(ROOT):
        sys.exit("Real pictures are not ours: choose a folder outside of the repository.")
    for line in synthetic_lines(options.model, options.galaxies, options.workers):
        print(line, flush=True)
    if not (options.sky / "sky.csv").exists():
        print(f"No real pictures at {options.sky}.")
        return
    for line in real_lines(options.model, options.sky, options.out):
        print(line, flush=True)


if __name__ == "__main__":
    main()
