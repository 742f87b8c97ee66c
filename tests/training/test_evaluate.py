"""`evaluate`: one command, one report, as a page and as JSON, with everything it compares with."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from django.core.management import CommandError, call_command

from giz.labelset import Column, LabelSet, LabelSetSpec, LabelSetWriter
from giz.training.nn.export import export_onnx
from giz.training.reports import evaluation_page as page_of
from giz.training.reports import evaluation_text as text
from giz.training.services.evaluations import axial_inclination_deg, model_evaluate
from tests.training.discs import COLOUR_SKY, GREY_SKY, SIZE_PX, disc, pictures

COLUMNS = (
    Column("reasons", "string", "why it was rejected"),
    Column("inc_n", "int64", "number of volunteers"),
    Column("sigma_deg", "float64", "standard error", unit="deg"),
)


@pytest.fixture(scope="module")
def labels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A label set as people make them: each galaxy with its number of votes and its error."""
    folder = tmp_path_factory.mktemp("people") / "people"
    spec = LabelSetSpec(
        name="people", title="Judged by people", description="Disks with votes.", origin="volunteers",
        columns=COLUMNS, size_px=SIZE_PX, bands=("g", "r", "i", "gri"),
    )  # fmt: skip
    rng = np.random.default_rng(4)
    with LabelSetWriter(folder, spec) as writer:
        for number in range(240):
            is_accepted = number % 4 > 0
            inclination_deg = round(float(rng.uniform(45, 90)), 2) if is_accepted else None
            row = {"pgc": 100 + number, "verdict": "A" if is_accepted else "J", "inclination_deg": inclination_deg}
            row |= {"reasons": "", "inc_n": 3 + number % 5, "sigma_deg": 1.5}
            writer.add(row, pictures(disc(inclination_deg or 0.0, rng.uniform(0, 180)), rng))
        writer.finish()
    return folder


class OneBand(torch.nn.Module):
    """Tells the inclination of these disks by how bright they are: in colour, or in the greys; else it guesses."""

    def __init__(self, *, knows_colour: bool) -> None:
        super().__init__()
        self.knows_colour = knows_colour

    def forward(self, shown: torch.Tensor) -> torch.Tensor:
        mean = 255 * shown.mean(dim=(1, 2, 3))
        brightness = (mean - COLOUR_SKY) / 200 if self.knows_colour else 1 - mean / GREY_SKY
        # The integral of a soft ellipse whose semi-major axis is a quarter of half the side.
        ratio = brightness / (2 * np.pi * 0.25**2 / 4)
        known = torch.rad2deg(torch.arccos(ratio.clamp(0.0, np.sqrt(0.5))))
        return torch.where((mean < 128) == self.knows_colour, known, 67.5)


@pytest.fixture(scope="module")
def one_band(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Two networks of one band: "colour" is good in colour alone, "greys" in each of the others."""
    folder = tmp_path_factory.mktemp("one_band")
    for name in ("colour", "greys"):
        network = OneBand(knows_colour=name == "colour")
        export_onnx(network, folder / f"{name}.onnx", size_px=SIZE_PX, card={"network": name})
    return {name: folder / f"{name}.onnx" for name in ("colour", "greys")}


def test_the_report_says_all_there_is_to_say_as_a_page_and_as_json(
    model_file: Path, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "earlier.onnx"
    shutil.copyfile(model_file, other)
    (tmp_path / "broken.onnx").write_bytes(b"no network")
    (tmp_path / "agreement.json").write_text(json.dumps({"figures": {"rms_deg": 2.6, "pairs": 1945}}))
    page, report = tmp_path / "page.html", tmp_path / "report.json"
    call_command(
        "evaluate", str(model_file), str(labels), html=str(page), report=str(report), alone=True,
        against=[str(other), str(tmp_path / "broken.onnx")], agreement=str(tmp_path / "agreement.json"),
    )  # fmt: skip
    said = capsys.readouterr().out
    assert "Two groups of people against each other: RMS 2.60°" in said
    found = json.loads(report.read_text())
    detail = found["detail"]
    assert sum(group["count"] for group in detail["by_inclination"]) == found["views"]["all"]["inclination"]["count"]
    assert {group["low"] for group in detail["by_votes"]} <= {3, 4, 5, 6}
    assert detail["label_sigma"] == pytest.approx(1.5)
    assert detail["line"]["galaxies"] > 5
    assert 0 <= detail["verdict"]["roc"]["area"] <= 1
    assert found["axial_ratio"]["galaxies"] > 5
    assert found["people"] == {"rms_deg": 2.6, "pairs": 1945}
    same, broken = found["models"]
    assert same["views"]["all"]["inclination"] == found["views"]["all"]["inclination"]
    assert "is not a GIZ model" in broken["problem"]
    html = page.read_text()
    assert html.count('<svg class="plot"') == 7
    assert html.count("<figure>") == len(found["outliers"]) > 0
    assert "<script" not in html
    assert "(i + b) / (1 − m)" in html


def test_the_line_is_fitted_on_validation_galaxies_not_on_those_that_are_reported(
    model_file: Path, labels: Path, tmp_path: Path
) -> None:
    lines = {}
    for side in ("test", "train", "validation"):
        report = tmp_path / f"{side}.json"
        call_command("evaluate", str(model_file), str(labels), side=side, report=str(report), alone=True)
        lines[side] = json.loads(report.read_text())["detail"]["line"]
    assert lines["test"]["m"] == lines["train"]["m"] == lines["validation"]["m"]
    assert lines["validation"]["corrected"]["bias_deg"] == pytest.approx(0.0, abs=1e-6)


def test_several_networks_answer_as_one(model_file: Path, labels: Path, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    call_command(
        "evaluate", str(model_file), str(labels), ensemble=[str(model_file)], report=str(report), alone=True
    )  # fmt: skip
    found = json.loads(report.read_text())
    assert found["card"]["members"] == ["ours", "ours"]
    (member,) = found["models"]
    assert found["views"]["g"]["inclination"] == member["views"]["g"]["inclination"]


def test_other_networks_are_compared_in_the_same_view_or_in_their_best_one_and_it_is_named(
    model_file: Path, labels: Path, one_band: dict[str, Path]
) -> None:
    colour, greys = one_band["colour"], one_band["greys"]
    found = model_evaluate(models=[model_file], labelset=labels, against=[colour])
    views = found.report["models"][0]["views"]
    best = views["gri"]["inclination"]["rms_deg"]
    assert best < 2 < 10 < views["g"]["inclination"]["rms_deg"]
    assert f"colour colour.onnx: RMS {best:.2f}° (colour alone)" in text(found.report)
    row = f"<tr><td>colour colour.onnx</td><td>colour alone</td><td>{views['gri']['galaxies']}</td><td>{best:.2f}°</td>"
    assert row in page_of(found)

    found = model_evaluate(models=[greys], labelset=labels, against=[model_file, colour])
    ours, other = ({v: f["inclination"]["rms_deg"] for v, f in m["views"].items()} for m in found.report["models"])
    said = text(found.report)
    assert f"ours model.onnx: RMS {ours['g']:.2f}°, verdict " in said
    assert f"colour colour.onnx: RMS {other['g']:.2f}° (g alone)" in said
    assert said.count("(g alone)") == 3
    html = page_of(found)
    assert "<td>ours model.onnx</td><td>g alone</td>" in html
    assert "<td>this network</td><td>g alone</td>" in html


def test_outliers_are_those_of_the_first_view_with_the_pictures_of_that_band(
    labels: Path, one_band: dict[str, Path]
) -> None:
    found = model_evaluate(models=[one_band["colour"]], labelset=labels)
    assert len(found.report["outliers"]) == len(found.outliers) > 3
    opened = LabelSet.open(labels)
    for galaxy, pixels, band in found.outliers:
        assert (galaxy["view"], band, galaxy["answer_deg"]) == ("g", "g", 67.5)
        np.testing.assert_array_equal(pixels, opened.image(int(np.searchsorted(opened.pgc, galaxy["pgc"])), "g"))
    html = page_of(found)
    assert "Off by more than 10° with g alone, the worst first" in html
    assert f'alt="PGC {found.report["outliers"][0]["pgc"]}, g"' in html

    found = model_evaluate(models=[one_band["greys"]], labelset=labels)
    assert found.report["views"]["gri"]["inclination"]["outlier_share"] > 0
    assert (found.report["outliers"], found.outliers) == ([], [])
    assert "No galaxy is off by more than 10° with g alone." in page_of(found)


@pytest.mark.parametrize("inclination_deg", [50.0, 60.0, 70.0])
@pytest.mark.parametrize("band", ["r", "gri"])
def test_the_axial_ratio_of_a_disk_tells_its_inclination(inclination_deg: float, band: str) -> None:
    # The disks of these tests are thin: cos i = b/a; the method takes them for thick ones.
    thin = np.cos(np.deg2rad(inclination_deg))
    expected = np.rad2deg(np.arccos(np.sqrt((thin**2 - 0.04) / 0.96)))
    picture = pictures(disc(inclination_deg, 25.0, 128), np.random.default_rng(1))[band]
    assert axial_inclination_deg(picture, band) == pytest.approx(expected, abs=3.0)


def test_a_file_that_is_no_agreement_is_refused(model_file: Path, labels: Path, tmp_path: Path) -> None:
    (tmp_path / "agreement.json").write_text("{}")
    with pytest.raises(CommandError, match="report agreement"):
        call_command("evaluate", str(model_file), str(labels), agreement=str(tmp_path / "agreement.json"))


def test_intervals_are_scaled_by_labels_that_the_network_has_not_learned_from(
    model_file: Path, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from giz.training.nn.export import write_card
    from giz.training.nn.predictor import Predictor

    made, out = tmp_path / "made.onnx", tmp_path / "scaled.onnx"
    write_card(model_file, made, {"network": "ours", "labelset": {"origin": "synthetic"}})
    report = tmp_path / "report.json"
    call_command("evaluate", str(made), str(labels), report=str(report), alone=True, recalibrate=str(out))
    found = json.loads(report.read_text())
    assert found["recalibrated"]["galaxies"] > 100
    assert f"manage.py models --register {out}" in capsys.readouterr().out
    again = model_evaluate(models=[out], labelset=labels).report
    assert again["views"]["all"]["coverage"] == found["views"]["all"]["coverage"]
    # It guesses; its intervals hold more nearly what they say than before, as far as so few galaxies can tell.
    before, after = found["recalibrated"]["before"], found["views"]["all"]["coverage"]
    assert abs(after["68%"] - 0.68) < abs(before["68%"] - 0.68)
    assert Predictor(out).card["interval_factors"] == found["recalibrated"]["factors"]


def test_intervals_are_not_scaled_by_a_handful_of_labels(model_file: Path, labels: Path, tmp_path: Path) -> None:
    # Not known to have learned from synthetic galaxies: only the validation galaxies count, and these are too few.
    with pytest.raises(CommandError, match="50 accepted galaxies"):
        call_command("evaluate", str(model_file), str(labels), alone=True, recalibrate=str(tmp_path / "scaled.onnx"))
    assert not (tmp_path / "scaled.onnx").exists()


def test_network_and_labels_are_compared_with_inclinations_from_elsewhere(
    model_file: Path, labels: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from giz.training.nn.export import write_card
    from giz.training.nn.predictor import Predictor

    known = LabelSet.open(labels)
    lines = ["pgc,inc,reference"]
    for number, deg in zip(known.pgc.tolist(), known.column("inclination_deg").tolist(), strict=True):
        if np.isfinite(deg) and deg > 47:
            lines += [f"{number},{deg - 2},tilted rings"]
    table = tmp_path / "truth.csv"
    table.write_text("\n".join(lines) + "\n")
    made, out = tmp_path / "made.onnx", tmp_path / "scaled.onnx"
    write_card(model_file, made, {"network": "ours", "labelset": {"origin": "synthetic"}})
    report, page = tmp_path / "report.json", tmp_path / "page.html"
    call_command(
        "evaluate", str(made), str(labels), report=str(report), html=str(page), alone=True, truth=str(table),
        recalibrate=str(out),
    )  # fmt: skip
    found = json.loads(report.read_text())["truth"]
    ours, theirs = found["labels"]["by_reference"][0], found["network"]["by_reference"][0]
    assert (ours["name"], ours["count"]) == (theirs["name"], theirs["count"])
    assert ours["bias_deg"] == pytest.approx(2.0)
    assert ours["scatter_deg"] == pytest.approx(0.0, abs=1e-6)
    assert found["labels"]["sigma_common_deg"] == pytest.approx(2.0)
    assert Predictor(out).card["sigma_common_deg"] == found["network"]["sigma_common_deg"] is not None
    said = capsys.readouterr().out
    assert "The labels of this label set against inclinations from elsewhere" in said
    assert "The network against inclinations from elsewhere" in page.read_text()
