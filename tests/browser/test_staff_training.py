"""Staff train a network in a real browser: start, stop, go on; what the gate finds, which one answers, and back again.

One test, step by step, as each needs what the one before has left: a long training is stopped, gone on with, looked at
while it runs, and stopped for a short one, which ends while the other pages are looked at.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Locator, Page, StorageState, expect

from tests.browser.conftest import PHONE, Visitor
from tests.browser.site import Site
from tests.browser.test_accessibility import serious_violations
from tests.conftest import TEMPLATE
from tests.inference.loop_site import celery_process
from tests.training.discs import write_discs

NETWORKS, TRAINING = "/staff/dashboard/networks/", "/staff/training/"
# About a hundred of them are on the test side: the gate wants fifty.
GALAXIES = 1000
# The long one is stopped by hand long before its end; its curves begin after a twentieth.
LONG_MINUTES, SHORT_MINUTES = "2", "0.2"
PATIENCE_MS = 180_000
DESK = {"width": 1280, "height": 900}
LOOKS: dict[str, dict[str, Any]] = {
    f"{width}-{scheme}": {"viewport": viewport, "color_scheme": scheme}
    for width, viewport in (("wide", DESK), ("phone", PHONE))
    for scheme in ("light", "dark")
}
# Words that stick out of their place in a card, or are cut off in a cell.
CUT_OFF = """[...document.querySelectorAll(".job > *, .network > *, #result_list td, .readonly")]
    .filter(one => one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1)
    .filter(one => getComputedStyle(one).display !== "inline").map(one => one.innerText)"""
# Sites share one Valkey: in a database of their own no other worker takes these messages.
BROKER_DATABASE = 5


@pytest.fixture(scope="module")
def site(
    tmp_path_factory: pytest.TempPathFactory, django_db_modify_db_settings: None, _built_frontend: None
) -> Iterator[Site]:
    """A site with data of its own, a trainer beside it, a label set, and a network that has learned for one step."""
    folder = tmp_path_factory.mktemp("site")
    site = Site(folder, settings.DATABASES["default"], TEMPLATE)
    site.environment |= {
        "GIZ_HOME": str(folder / "home"),
        "CELERY_BROKER_URL": f"{settings.CELERY_BROKER_URL.partition('?')[0]}?virtual_host={BROKER_DATABASE}",
        "OMP_NUM_THREADS": "1",
    }
    labels = write_discs(folder / "home" / "labelsets" / "disks", GALAXIES)
    site.start()
    site.manage("train", str(labels), "--steps", "1")
    with celery_process(site.environment, folder / "worker.log", ["training"]):
        yield site
    log = site.log()
    site.close()
    assert '"level": "error"' not in log, log[-3000:]


@pytest.fixture(scope="module")
def logged_in(site: Site, browser: Browser) -> StorageState:
    """The cookies of somebody of the staff."""
    context = browser.new_context()
    Visitor(context, site).log_in("staff@localhost", password=site.staff_password(), then=NETWORKS)
    cookies = context.storage_state()
    context.close()
    return cookies


@pytest.fixture
def staff(site: Site, visitor: Callable[..., Visitor], logged_in: StorageState) -> Callable[..., Visitor]:
    def make(**options: Any) -> Visitor:
        return visitor(**{"viewport": DESK, "storage_state": logged_in, **options})

    return make


def part(page: Page, title: str) -> Locator:
    return page.get_by_role("region", name=title)


def press_twice(page: Page, label: str) -> None:
    """A button that nobody presses by mistake: it says what follows, and asks again."""
    page.get_by_text(f"{label} …", exact=True).click()
    page.get_by_role("button", name=f"Yes: {label.lower()}").click()


def name_of(link: Locator) -> str:
    """The checksum in a link such as "ours 1f2e3d4c5b6a"."""
    return link.inner_text().removeprefix("ours ")


def go_on_to(page: Page, link: str) -> None:
    page.get_by_role("link", name=link, exact=True).click()


def start_training(page: Page, minutes: str) -> None:
    go_on_to(page, "New training")
    page.get_by_label("Label set").select_option(label=page.locator("#id_labelset option").inner_text())
    page.get_by_label("Network").select_option("ours")
    page.get_by_label("Minutes").fill(minutes)
    page.keyboard.press("Enter")


def violations_of(someone: Visitor, name: str) -> list[str]:
    """What axe finds on the open page; it must fit the screen."""
    page = someone.page
    page.wait_for_load_state("networkidle")
    someone.screenshot(f"training-{name}")
    too_wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert too_wide <= 0, page.url
    assert page.evaluate(CUT_OFF) == [], page.url
    return serious_violations(page)


def test_staff_train_a_network_and_decide_which_one_answers(site: Site, staff: Callable[..., Visitor]) -> None:
    a_network_that_did_not_pass_the_gate_says_why_and_answers_where_staff_want_it(staff)
    a_training_is_started_from_the_form_stopped_and_gone_on_with(staff)
    for name in LOOKS:
        the_pages_of_a_running_training_pass_axe_and_fit_the_screen(site, staff, name)
    it_makes_way_for_a_shorter_one(staff)
    for name in LOOKS:
        the_pages_of_trainings_pass_axe_and_fit_the_screen(site, staff, name)
    the_better_network_passes_the_gate_and_answers_until_it_is_rolled_back(staff)


def a_network_that_did_not_pass_the_gate_says_why_and_answers_where_staff_want_it(
    staff: Callable[..., Visitor],
) -> None:
    page = staff().open(NETWORKS)
    expect(part(page, "Networks in use")).to_contain_text("No network is in use yet")
    why = re.compile(r"Not promoted: .* than a constant guess.* on the same \d+ test galaxies: RMS [\d.]+° against")
    expect(part(page, "Trainings")).to_contain_text(why)
    go_on_to(page, "All networks")
    network = page.get_by_role("link", name=re.compile("^ours [0-9a-f]{12}$"))
    poor = name_of(network)
    network.click()
    press_twice(page, "Put it into use")
    expect(page.get_by_text(f"ours {poor} is now in use as ours.")).to_be_visible()
    page.goto(page.url.partition("/staff/")[0] + NETWORKS)
    expect(part(page, "Networks in use")).to_contain_text(poor)
    expect(part(page, "History of promotions")).to_contain_text("by hand on the staff page")


def a_training_is_started_from_the_form_stopped_and_gone_on_with(staff: Callable[..., Visitor]) -> None:
    page = staff().open(NETWORKS)
    start_training(page, LONG_MINUTES)

    # How far it is and the curves come by themselves.
    progress = page.locator("article.job")
    expect(progress.locator(".state")).to_have_text("running", timeout=PATIENCE_MS)
    expect(page.locator(".plots svg")).to_have_count(3, timeout=PATIENCE_MS)
    expect(progress).to_contain_text(re.compile(r"[1-9]\d* of [\d,]+ · validation RMS [\d.]+°, verdict [\d.]+%"))
    go_on_to(page, "Stop the training")
    press_twice(page, "Stop the training")
    expect(page.get_by_text("The training will be cancelled.")).to_be_visible()
    go_on_to(page, "live progress and curves")
    expect(progress.locator(".state")).to_have_text("cancelled")
    shown = re.search(r"(\d+) of (\d+)", progress.inner_text().replace(",", ""))
    assert shown
    assert 0 < int(shown[1]) < int(shown[2])
    go_on_to(page, "Resume")
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.get_by_text("It will resume from its last checkpoint")).to_be_visible()
    go_on_to(page, "live progress and curves")
    expect(progress.locator(".state")).to_have_text("running")
    # What it had learned is still there, and the same number of steps is to be done.
    expect(page.get_by_text("Best validation: RMS")).to_be_visible()
    expect(progress).to_contain_text(re.compile(rf"of {int(shown[2]):,} · validation"))


def the_pages_of_a_running_training_pass_axe_and_fit_the_screen(
    site: Site, staff: Callable[..., Visitor], look: str
) -> None:
    _done, (running,) = site.query("SELECT id FROM training_trainingrun ORDER BY created_at")
    someone = staff(**LOOKS[look])
    state = someone.open(f"{NETWORKS}trainings/{running}/").locator("article.job .state")
    expect(state).to_have_text("running")
    assert violations_of(someone, f"running-{look}") == []
    expect(state).to_have_text("running")
    record = someone.open(f"{TRAINING}trainingrun/{running}/change/")
    assert violations_of(someone, f"record-{look}") == []
    expect(record.get_by_text("Stop the training …", exact=True)).to_be_visible()


def it_makes_way_for_a_shorter_one(staff: Callable[..., Visitor]) -> None:
    someone = staff()
    page = someone.open(NETWORKS)
    part(page, "Trainings").locator("article.job a").first.click()
    go_on_to(page, "Stop the training")
    press_twice(page, "Stop the training")
    expect(page.get_by_text("The training will be cancelled.")).to_be_visible()
    someone.open(NETWORKS)
    start_training(page, SHORT_MINUTES)
    expect(page.locator("article.job .state")).to_have_text("running", timeout=PATIENCE_MS)


def the_pages_of_trainings_pass_axe_and_fit_the_screen(site: Site, staff: Callable[..., Visitor], look: str) -> None:
    order = "SELECT id, version_id FROM training_trainingrun ORDER BY created_at"
    (done, version), _stopped, _short = site.query(order)
    addresses = {
        "networks": NETWORKS,
        "done": f"{NETWORKS}trainings/{done}/",
        "form": f"{TRAINING}trainingrun/add/",
        "trainings": f"{TRAINING}trainingrun/",
        "versions": f"{TRAINING}modelversion/",
        "version": f"{TRAINING}modelversion/{version}/change/",
        "promotions": f"{TRAINING}promotion/",
    }
    someone = staff(**LOOKS[look])
    violations = []
    for name, address in addresses.items():
        someone.open(address)
        violations += violations_of(someone, f"{name}-{look}")
    assert violations == []


def the_better_network_passes_the_gate_and_answers_until_it_is_rolled_back(staff: Callable[..., Visitor]) -> None:
    someone = staff()
    page = someone.open(NETWORKS)
    former = name_of(part(page, "History of promotions").locator("article a").last)
    part(page, "Trainings").locator("article.job a").first.click()
    progress = page.locator("article.job")
    expect(progress.locator(".state")).to_have_text("done", timeout=PATIENCE_MS)
    expect(progress).to_contain_text(re.compile(r"\d+ steps"))
    expect(page.get_by_role("link", name="Details")).to_be_visible()
    expect(page.locator(".verdict")).to_contain_text(
        re.compile(r"Passed the gate\. Better than the served one on the same \d+ test galaxies: RMS [\d.]+° against")
    )
    expect(page.locator("p", has_text="Best validation")).to_contain_text(re.compile(r"RMS [\d.]+°, verdict [\d.]+%"))
    expect(part(page, "Log").locator("pre")).to_contain_text("It is now in use.")
    expect(part(page, "On its test galaxies").get_by_role("row")).to_have_count(6)
    someone.screenshot("training-passed")

    go_on_to(page, "The network")
    expect(page.get_by_text("Roll back …")).to_be_visible()
    page.goto(page.url.partition("/staff/")[0] + NETWORKS)
    someone.screenshot("training-answers")
    answers = part(page, "Networks in use")
    expect(answers.locator("code")).not_to_have_text(former)
    new = answers.locator("code").inner_text()
    answers.get_by_role("link", name="ours").click()
    press_twice(page, "Roll back")
    expect(page.get_by_text(f"ours {former} is in use as ours again.")).to_be_visible()
    page.goto(page.url.partition("/staff/")[0] + NETWORKS)
    expect(answers.locator("code")).to_have_text(former)
    newest = part(page, "History of promotions").locator("article").first
    expect(newest).to_contain_text(f"ours {former}")
    expect(newest).to_contain_text(f"rolled back from ours {new}")
