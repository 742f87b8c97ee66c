"""Fingers on a touch screen, several at once; what Playwright itself does not offer."""

import numpy as np
from playwright.sync_api import Page


class Fingers:
    """Fingers on the middle of the preview of a phone; places are shares of its side from its middle."""

    def __init__(self, page: Page) -> None:
        self._session = page.context.new_cdp_session(page)
        frame = page.get_by_role("application")
        frame.scroll_into_view_if_needed()
        box = frame.bounding_box()
        assert box
        self._middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        self._side = frame.evaluate("element => element.clientWidth")

    def glide(self, *ways: tuple[tuple[float, float], tuple[float, float]], steps: int = 8) -> None:
        """Each finger from one place to another, all at once, straight."""
        self._send("touchStart", [start for start, _end in ways])
        for part in np.linspace(0, 1, steps + 1)[1:]:
            self._send("touchMove", [_between(start, end, part) for start, end in ways])
        self._send("touchEnd", [])

    def turn(self, degrees: float, reach: float = 0.3, steps: int = 30) -> None:
        """Two fingers, clockwise about the middle."""
        ways = [np.deg2rad(degrees) * part for part in np.linspace(0, 1, steps + 1)]
        for number, angle in enumerate(ways):
            x, y = reach * float(np.cos(angle)), reach * float(np.sin(angle))
            self._send("touchMove" if number else "touchStart", [(x, y), (-x, -y)])
        self._send("touchEnd", [])

    def _send(self, kind: str, places: list[tuple[float, float]]) -> None:
        points = [
            {"id": number, "x": self._middle[0] + x * self._side, "y": self._middle[1] + y * self._side}
            for number, (x, y) in enumerate(places)
        ]
        self._session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


def _between(start: tuple[float, float], end: tuple[float, float], part: float) -> tuple[float, float]:
    return start[0] + part * (end[0] - start[0]), start[1] + part * (end[1] - start[1])
