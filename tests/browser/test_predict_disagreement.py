"""Two networks answer and do not agree: the Predict page warns, and shows what each of them says."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from playwright.sync_api import Page, expect
from torch import nn

from giz.training.nn.export import export_onnx
from giz.training.nn.networks import ReferenceNet, ServedReference
from tests.browser.conftest import PHONE, WIDE, Visitor
from tests.browser.site import Site
from tests.browser.test_accessibility import serious_violations
from tests.browser.test_predict import asked, evaluate, files, in_degrees, payload

__all__ = ["files"]  # the fixture of the other tests of this page
REGISTER = (
    "from pathlib import Path; from tests.inference.sky import register;[register(Path(path)) for path in {paths!r}]"
)


def one_answer(name: str, says: float, path: Path) -> Path:
    """A real ONNX file of a reference network that says much the same of every picture; -1 is 45°, 1 is 90°."""
    torch.manual_seed(1)
    network = ReferenceNet(name)
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        last.weight.mul_(0.01)
        last.bias.fill_(float(torch.atanh(torch.tensor(says))))
    export_onnx(ServedReference(network).eval(), path, size_px=128, card={"network": name})
    return path


@pytest.fixture(scope="module")
def networks(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Ours, one that calls everything nearly edge-on, and one that calls everything nearly face-on."""
    folder = tmp_path_factory.mktemp("models")
    files = [one_answer("model4", 0.9, folder / "four.onnx"), one_answer("model5", -0.8, folder / "five.onnx")]
    site.manage("models", "--shipped")
    site.manage("shell", "-c", REGISTER.format(paths=[str(file) for file in files]))
    return site


def uploaded(someone: Visitor, files: dict[str, bytes]) -> Page:
    page = someone.open("/predict")
    chosen = [payload(name, files[name]) for name in ("galaxy_g.png", "galaxy_r.png", "galaxy_gri.png")]
    page.get_by_label("Pictures of a galaxy").set_input_files(chosen)
    expect(page.get_by_role("heading", name="Your picture")).to_be_visible()
    return page


@pytest.mark.parametrize(("viewport", "scheme"), [(WIDE, "light"), (PHONE, "dark")], ids=["wide-light", "phone-dark"])
def test_the_page_warns_and_shows_each_networks_answer(
    networks: Site, visitor: Callable[..., Visitor], files: dict[str, bytes], viewport: Any, scheme: str
) -> None:
    someone = visitor(viewport=viewport, color_scheme=scheme)
    page = uploaded(someone, files)
    shown = evaluate(page)
    source = re.search(r"source=([\w-]+)", page.url)
    assert source
    said = asked(networks, f"sources/{source[1]}/evaluate/", {})
    assert [one["name"] for one in said["models"]] == ["ours", "model4", "model5"]
    assert shown == in_degrees(said["models"][0]["inclination_deg"]), "the served one gives the number"
    assert said["disagreement"]["is_alarming"]
    alarm = page.get_by_role("note").filter(has_text="The predictions do not agree.")
    expect(alarm).to_contain_text(f"The networks are {in_degrees(said['disagreement']['spread_deg'])} apart.")
    expect(page.get_by_test_id("spoken")).to_contain_text("The predictions do not agree; treat the result with care.")
    rows = page.get_by_role("table", name="Each network").locator("tbody tr")
    expect(rows).to_have_count(3)
    for number, (name, one) in enumerate(zip(("our network", "model4", "model5"), said["models"], strict=True)):
        expect(rows.nth(number).get_by_role("rowheader")).to_have_text(name)
        expect(rows.nth(number)).to_contain_text(in_degrees(one["inclination_deg"]))
    # Those that say nothing of their doubts, or of rejection, get a dash and no bar.
    expect(rows.nth(1).locator(".opinion-interval")).to_have_count(0)
    expect(rows.nth(1).locator("td").last).to_have_text("—")
    assert page.evaluate("document.documentElement.scrollWidth") == viewport["width"]
    assert serious_violations(page) == []
    alarm.scroll_into_view_if_needed()
    someone.screenshot(f"predict-disagreement-{viewport['width']}-{scheme}")
