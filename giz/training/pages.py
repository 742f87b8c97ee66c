"""Pages of pictures: one HTML file each, with its pictures inside, no scripts."""

import base64
import io
from html import escape

import numpy as np
import numpy.typing as npt
from PIL import Image

BAND_NAMES = {"g": "g", "r": "r", "i": "i", "gri": "colour"}
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #222; }
section { border-top: 1px solid #ccc; padding: 1rem 0; display: grid; grid-template-columns: 15rem 1fr; gap: 1rem; }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .4rem; } section h2 { margin: 0; }
p { margin: .2rem 0; } .off { color: #a8483c; font-weight: 600; }
figure { display: inline-block; margin: 0 .4rem .6rem 0; vertical-align: top; }
figcaption { font-size: .85rem; color: #555; max-width: 128px; }
img { display: block; width: 128px; height: 128px; image-rendering: pixelated; } svg { max-width: 100%; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: .2rem .7rem .2rem 0; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; min-width: 7rem; }
th { font-weight: 600; font-size: .85rem; }
@media (prefers-color-scheme: dark) {
  body { background: #1b1b19; color: #ddd; } figcaption { color: #aaa; } th, td, section { border-color: #444; }
  .plot { fill: #ddd; } .plot .grid { stroke: #3a3a38; } .plot .axis { stroke: #bbb; }
  .plot .line.s0 { stroke: #d9a738; } .plot .line.s1 { stroke: #7fb2e8; } .plot .line.s2 { stroke: #e58a7c; }
  .plot .bar.s0, .plot .dot.s0 { fill: #d9a738; } .plot .bar.s1, .plot .dot.s1 { fill: #7fb2e8; }
  .plot .bar.s2, .plot .dot.s2 { fill: #e58a7c; }
}
@media (max-width: 40rem) { section { grid-template-columns: 1fr; } }
"""


def document(title: str, body: str) -> str:
    """A whole page; `body` is HTML."""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"<h1>{escape(title)}</h1>{body}</html>\n"
    )


def gallery(title: str, plots: list[str], pictures: list[tuple[npt.NDArray[np.uint8], str]]) -> str:
    """A page of plots (SVG) and of pictures with a line of words each."""
    figures = "".join(figure(pixels, words, words) for pixels, words in pictures)
    return document(title, f"<div>{''.join(plots)}</div><div>{figures}</div>")


def figure(pixels: npt.NDArray[np.uint8], description: str, words: str) -> str:
    """A picture with words below it; `description` for those who don't see it."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    data = base64.b64encode(out.getvalue()).decode()
    image = f'<img alt="{escape(description)}" src="data:image/png;base64,{data}">'
    return f"<figure>{image}<figcaption>{escape(words)}</figcaption></figure>"
