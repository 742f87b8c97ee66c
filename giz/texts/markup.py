"""Turn Markdown into clean HTML: markdown-it-py renders it, nh3 removes whatever is not on a list of allowed tags.

HTML in the Markdown is shown as text. Pictures may come only from this site.
"""

import re
from collections.abc import Sequence

import nh3
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

# Pictures that come with GIZ, and uploaded ones: hashed names.
PICTURE_FOLDER = "/texts/pictures/"
_PICTURE = re.compile(r"(?:/texts/pictures/[a-z0-9-]+|/media/[a-z2-7]{2}/[a-z2-7]{26}-(?:128|256|512))\.webp")
_TAGS = {
    *("h1", "h2", "h3", "h4", "p", "a", "strong", "em", "s", "code", "pre", "blockquote", "hr", "br"),
    *("ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "figure", "img", "figcaption", "div"),
}
_ATTRIBUTES = {"a": {"href", "title"}, "img": {"src", "alt", "width", "height", "loading"}, "ol": {"start"}}
_CLASSES = {"div": {"pictures", "scrolls"}}
_SCHEMES = {"http", "https", "mailto"}


def title_of(markdown: str) -> str:
    """Return the title of a text, its first line `# Title`; empty if it has none."""
    first = markdown.lstrip().partition("\n")[0]
    # Not a regular expression: a long run of blanks would take it minutes.
    return first[2:].rstrip().rstrip("#").strip() if first.startswith("# ") else ""


def html_of(markdown: str) -> str:
    """Return the text as HTML that is safe in our pages.

    ``![what it shows](pictures/bar.webp "caption")`` is a figure; figures in one paragraph stand side by side. A
    relative link ``privacy.md`` leads to the page ``/privacy``, so that the files also work where they are read as
    files.
    """
    return nh3.clean(
        _parser().render(markdown),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        allowed_classes=_CLASSES,
        attribute_filter=_only_own_pictures,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer",
        generic_attribute_prefixes=set(),
    )


def foreign_pictures(markdown: str) -> list[str]:
    """Return the addresses of pictures that do not lie on this site, which `html_of` leaves out."""
    sources = [
        str(child.attrs.get("src", ""))
        for token in _parser().parse(markdown)
        for child in token.children or []
        if child.type == "image"
    ]
    return [source for source in sources if not _PICTURE.fullmatch(source)]


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.core.ruler.push("own_addresses", _own_addresses)
    parser.add_render_rule("image", _figure)
    parser.add_render_rule("table_open", lambda *_: '<div class="scrolls"><table>')
    parser.add_render_rule("table_close", lambda *_: "</table></div>")
    return parser


def _only_own_pictures(tag: str, attribute: str, value: str) -> str | None:
    return None if (tag, attribute) == ("img", "src") and not _PICTURE.fullmatch(value) else value


def _own_addresses(state: StateCore) -> None:
    """Turn relative links into addresses of this site, and paragraphs of nothing but pictures into rows of them."""
    for place, token in enumerate(state.tokens):
        children = token.children or []
        for child in children:
            for name in ("href", "src"):
                if name in child.attrs:
                    child.attrs[name] = _address(str(child.attrs[name]))
        if any(child.type == "image" for child in children):
            is_row = all(child.type in ("image", "softbreak") for child in children)
            opening, closing = state.tokens[place - 1], state.tokens[place + 1]
            if opening.type == "paragraph_open":
                opening.tag = closing.tag = "div"
                if is_row:
                    opening.attrs["class"] = "pictures"


def _address(link: str) -> str:
    if found := re.fullmatch(r"pictures/([a-z0-9-]+\.webp)", link):
        return PICTURE_FOLDER + found[1]
    if found := re.fullmatch(r"([a-z-]+)\.md", link):
        return f"/{found[1]}"
    return link


def _figure(renderer: RendererHTML, tokens: Sequence[Token], place: int, options: OptionsDict, env: EnvType) -> str:
    token = tokens[place]
    caption = token.attrs.pop("title", "")
    token.attrs["loading"] = "lazy"
    picture = renderer.image(tokens, place, options, env)
    words = nh3.escape(str(caption))
    return f"<figure>{picture}{f'<figcaption>{words}</figcaption>' if words else ''}</figure>"
