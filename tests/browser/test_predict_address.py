"""The address of the Predict page while somebody goes on quickly."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.site import Site
from tests.browser.test_predict import network, open_galaxy  # noqa: F401 - the fixture


def test_whoever_goes_on_at_once_is_not_led_back_by_the_address_of_the_view(
    network: Site,  # noqa: F811
    visitor: Callable[..., Visitor],
) -> None:
    """The view is written into the address 300 ms after it was changed: by then another galaxy may be wanted."""
    page = open_galaxy(visitor())
    page.evaluate(
        """() => {
            dispatchEvent(new KeyboardEvent("keydown", {key: "]", bubbles: true}));
            const goOn = () => {
                history.pushState(null, "", "/predict/pgc/4");
                dispatchEvent(new Event("giz-moved"));
            };
            setTimeout(goOn, 150);
        }"""
    )
    expect(page.get_by_text("A survey is being asked for pictures of PGC 4")).to_be_visible()
    page.wait_for_timeout(500)
    expect(page.get_by_text("A survey is being asked for pictures of PGC 4")).to_be_visible()
    assert page.url.endswith("/predict/pgc/4")
