"""Write a PDF of one page (A4, landscape) with lines of text and a few strokes, in the fonts that every reader has.

Enough for a certificate, and small enough to need no package. PDF 1.4 (ISO 32000-1): five objects, a table of their
places, and the trailer. Text is in the encoding WinAnsi (Windows-1252); other letters become question marks.
"""

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH_PT, HEIGHT_PT = 842, 595
# Four Bézier curves make an ellipse; this share of the half axis puts their control points.
_KAPPA = 0.5523


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text that begins at x, y (points from the lower left corner)."""

    text: str
    x: float
    y: float
    size_pt: float = 12
    is_bold: bool = False
    grey: float = 0.0


@dataclass(frozen=True, slots=True)
class Ellipse:
    """An outline with half axes a, b about x, y, in colour (red, green, blue from 0 to 1)."""

    x: float
    y: float
    a: float
    b: float
    colour: tuple[float, float, float]
    width_pt: float = 2


def pdf_page(title: str, lines: Sequence[Line], ellipses: Sequence[Ellipse] = ()) -> bytes:
    """Return the file; equal contents give equal bytes."""
    content = b"\n".join([*map(_ellipse, ellipses), *map(_text, lines)])
    font = b"<< /Type /Font /Subtype /Type1 /BaseFont /%s /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en-GB) >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R /F2 6 0 R >> >> >>" % (WIDTH_PT, HEIGHT_PT),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        font % b"Helvetica",
        font % b"Helvetica-Bold",
        b"<< /Title (%s) >>" % _escaped(title),
    ]
    out, places = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"), []
    for number, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, count = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % count
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R /Info %d 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (count, count - 1, start)
    return bytes(out)


def _escaped(text: str) -> bytes:
    """Return text in WinAnsi with what a PDF string must mask."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text).replace("−", "–")
    data = plain.encode("cp1252", "replace")
    return data.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _text(line: Line) -> bytes:
    font = b"F2" if line.is_bold else b"F1"
    at = b"%.1f g BT /%s %.1f Tf %.1f %.1f Td" % (line.grey, font, line.size_pt, line.x, line.y)
    return at + b" (%s) Tj ET" % _escaped(line.text)


def _ellipse(drawn: Ellipse) -> bytes:
    x, y, a, b = drawn.x, drawn.y, drawn.a, drawn.b
    far, high = a * _KAPPA, b * _KAPPA
    curves = [
        (x + a, y + high, x + far, y + b, x, y + b),
        (x - far, y + b, x - a, y + high, x - a, y),
        (x - a, y - high, x - far, y - b, x, y - b),
        (x + far, y - b, x + a, y - high, x + a, y),
    ]
    path = b"".join(b"%.2f %.2f %.2f %.2f %.2f %.2f c " % curve for curve in curves)
    return b"%.3f %.3f %.3f RG %.1f w %.2f %.2f m " % (*drawn.colour, drawn.width_pt, x + a, y) + path + b"S"
