"""Local servers that speak the surveys' protocols and serve frames of a `Sky`; they log, and misbehave when told."""

import bz2
import io
import json
import math
import re
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs import WCS
from astropy.wcs.utils import fit_wcs_from_points
from PIL import Image

from .sky import fits_bytes, tangent_wcs

ROWS, COLUMNS, SCALE_DEG = 1489, 2048, 0.396 / 3600


class LocalServer:
    """An HTTP server on the loopback. `answer(path, query)` gives (status, headers, body); `faults` come before it."""

    def __init__(self, answer=None):
        self.requests = []
        self.whole = Counter()
        self.faults = []
        self._answer = answer or (lambda path, query: (404, {}, b""))
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                server._handle(self)

            def log_message(self, *_args):
                pass

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.port = self._http.server_address[1]
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    def _handle(self, handler):
        self.requests.append(handler.path)
        parts = urlsplit(handler.path)
        for fault in list(self.faults):
            if fault(handler, parts):
                return
        status, headers, body = self._answer(unquote(parts.path), parse_qs(parts.query, keep_blank_values=True))
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        try:
            handler.wfile.write(body)
            self.whole[handler.path] += 1
        except OSError:
            pass

    def close(self):
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)


def slowly(seconds, unless=None):
    """A fault that only delays."""

    def fault(_handler, _parts):
        if unless is None or not unless():
            time.sleep(seconds)
        return False

    return fault


class GreatCircle:
    """A drift scan of the SDSS past a place: rows run along the great circle, columns across."""

    def __init__(self, sky, run, rerun=301, tilt_deg=7.0):
        self.sky, self.run, self.rerun = sky, run, rerun
        # The circle passes near the galaxy: its highest point lies at the galaxy's right ascension, a little off.
        self.node, self.incl = sky.place.ra.deg - 90 - tilt_deg, sky.place.dec.deg + 0.05
        self.mu0, self.nu0 = self._to_circle(sky.place.ra.deg, sky.place.dec.deg)

    def _to_circle(self, ra, dec):
        """By a rotation matrix about the node."""
        vector = SkyCoord(ra, dec, unit="deg").cartesian.xyz.value
        node, incl = np.radians(self.node), np.radians(self.incl)
        about_z = np.array([[np.cos(node), np.sin(node), 0], [-np.sin(node), np.cos(node), 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, np.cos(incl), np.sin(incl)], [0, -np.sin(incl), np.cos(incl)]])
        x, y, z = about_x @ about_z @ vector
        return np.degrees(np.arctan2(y, x)) + self.node, np.degrees(np.arcsin(z))

    def to_sky(self, mu, nu):
        node, incl = np.radians(self.node), np.radians(self.incl)
        m, n = np.radians(mu) - node, np.radians(nu)
        circle = np.stack([np.cos(m) * np.cos(n), np.sin(m) * np.cos(n), np.sin(n)])
        about_x = np.array([[1, 0, 0], [0, np.cos(incl), -np.sin(incl)], [0, np.sin(incl), np.cos(incl)]])
        about_z = np.array([[np.cos(node), -np.sin(node), 0], [np.sin(node), np.cos(node), 0], [0, 0, 1]])
        x, y, z = about_z @ about_x @ circle.reshape(3, -1)
        return np.degrees(np.arctan2(y, x)) % 360, np.degrees(np.arcsin(z))

    def frame(self, camcol, field, row_of_galaxy, column_of_galaxy, score=0.8):
        return Frame(self, camcol, field, row_of_galaxy, column_of_galaxy, score)


class Frame:
    """One frame of a scan, the galaxy at a given row and column of it (outside it, maybe)."""

    def __init__(self, circle, camcol, field, row, column, score):
        self.circle, self.camcol, self.field, self.score = circle, camcol, field, score
        self.mu = (circle.mu0 - row * SCALE_DEG, SCALE_DEG, 0.0)
        self.nu = (circle.nu0 - column * SCALE_DEG, 0.0, SCALE_DEG)
        rows, columns = (grid.ravel() for grid in np.meshgrid(np.linspace(0, ROWS, 8), np.linspace(0, COLUMNS, 8)))
        ra, dec = circle.to_sky(self.mu[0] + SCALE_DEG * rows, self.nu[0] + SCALE_DEG * columns)
        self.wcs = fit_wcs_from_points((columns, rows), SkyCoord(ra, dec, unit="deg"), projection="TAN")
        self.centre = SkyCoord(
            *(
                float(v[0])
                for v in circle.to_sky(
                    np.array([self.mu[0] + SCALE_DEG * ROWS / 2]), np.array([self.nu[0] + SCALE_DEG * COLUMNS / 2])
                )
            ),
            unit="deg",
        )

    def path(self, band):
        run = self.circle.run
        name = f"frame-{band}-{run:06d}-{self.camcol}-{self.field:04d}.fits.bz2"
        return f"/frames/{self.circle.rerun}/{run}/{self.camcol}/{name}"

    def row(self):
        values = [self.circle.run, self.circle.rerun, self.camcol, self.field, self.score, *self.mu, *self.nu]
        return ",".join(
            repr(float(value)) if isinstance(value, float) else str(value)
            for value in [*values, self.circle.node, self.circle.incl]
        )

    def data(self, band, pedestal):
        """The packed file; what another test has made of this sky is not made again."""
        made, key = self.circle.sky.frame_files, (self.path(band), self.mu, self.nu, str(pedestal))
        if key not in made:
            light = self.circle.sky.expose(self.wcs, (ROWS, COLUMNS), band, pedestal=pedestal, seed=self.field)
            made[key] = bz2.compress(fits_bytes(light, self.wcs, BUNIT="nanomaggy"), 1)
        return made[key]


class SdssServer(LocalServer):
    """The SkyServer's SQL search under /sql, frames under /frames; each frame with a sky of its own."""

    def __init__(self, frames, pedestals=None):
        super().__init__(self._sdss)
        self.frames = frames
        self._pedestals = pedestals or {}
        self._made = {}

    @property
    def urls(self):
        return {"skyserver": f"{self.url}/sql", "sdss": f"{self.url}/frames", "sdss-pictures": f"{self.url}/jpeg"}

    def _sdss(self, path, query):
        if path == "/sql":
            return 200, {"Content-Type": "text/csv"}, self._table(query["cmd"][0]).encode()
        if path == "/jpeg":
            return 200, {"Content-Type": "image/jpeg"}, self._picture(query)
        for frame in self.frames:
            for band in "gri":
                if path == frame.path(band):
                    return 200, {}, self._file(frame, band, path)
        return 404, {}, b"<html>no such file</html>"

    def _picture(self, query):
        """North up, east left, i g r as red, green, blue on a linear scale."""
        side, scale = int(query["width"][0]), float(query["scale"][0])
        wcs = tangent_wcs(float(query["ra"][0]), float(query["dec"][0]), scale, (side, side))
        light = [self.frames[0].circle.sky.expose(wcs, (side, side), band, noise=0.0)[::-1] for band in "irg"]
        levels = np.clip(np.stack(light, axis=2) / np.percentile(light[1], 99.9), 0, 1)
        out = io.BytesIO()
        Image.fromarray((255 * levels).astype(np.uint8)).save(out, "JPEG", quality=95)
        return out.getvalue()

    def _table(self, sql):
        x, y, z, limit = map(float, re.search(r"cx \* (\S+) \+ f.cy \* (\S+) \+ f.cz \* (\S+) > (\S+)", sql).groups())
        near = [f for f in self.frames if np.dot(f.centre.cartesian.xyz.value, (x, y, z)) > limit]
        near.sort(key=lambda frame: -frame.score)
        header = "run,rerun,camcol,field,score,a,b,c,d,e,f,node,incl"
        return "\n".join(["#Table1", header, *(frame.row() for frame in near)]) + "\n"

    def _file(self, frame, band, path):
        if path not in self._made:
            self._made[path] = frame.data(band, self._pedestals.get((frame.field, band), 0.0))
        return self._made[path]


class PanStarrsServer(LocalServer):
    """The image list under /files, cutouts under /fitscut: asinh counts of two skycells that share the field."""

    EXPTIME = {"g": 645.0, "r": 800.0, "i": 1290.0}

    def __init__(self, sky):
        super().__init__(self._panstarrs)
        self.sky = sky

    @property
    def urls(self):
        return {"panstarrs-files": f"{self.url}/files", "panstarrs": f"{self.url}/fitscut"}

    def _panstarrs(self, path, query):
        if path == "/files":
            return 200, {}, self._list(float(query["ra"][0])).encode()
        return 200, {}, self._cutout(query)

    def _list(self, ra):
        cell = "044" if ra > self.sky.place.ra.deg - 1e-9 else "045"
        lines = ["projcell subcell ra dec filter mjd type filename shortname badflag"]
        for band in "gri":
            name = f"/rings.v3.skycell/1795/{cell}/rings.v3.skycell.1795.{cell}.stk.{band}.unconv.fits"
            lines.append(f"1795 {cell} 0 0 {band} 0 stack {name} {name.split('/')[-1]} 0")
        return "\n".join(lines)

    def _cutout(self, query):
        size, name = int(query["size"][0]), query["red"][0]
        band = name.split(".stk.")[1][0]
        wcs = tangent_wcs(float(query["ra"][0]), float(query["dec"][0]), 0.25, (size, size))
        light = self.sky.expose(wcs, (size, size), band, seed=len(name))
        # East is left: cell 044 has everything east of the middle and a little more, 045 the west.
        middle, columns = size // 2, np.arange(size)
        seen = columns < middle + 60 if ".044." in name else columns > middle - 60
        counts = light * 10 ** (0.4 * (25 + 2.5 * np.log10(self.EXPTIME[band]) - 22.5))
        softening, offset = 50.0, 12.0
        stored = 1.0857362048 * np.arcsinh((counts - offset) / (2 * softening))
        stored[:, ~seen] = np.nan
        cards = {"EXPTIME": self.EXPTIME[band], "BSOFTEN": softening, "BOFFSET": offset}
        return fits_bytes(stored.astype(np.float32), wcs, **cards)


class HipsServer(LocalServer):
    """hips2fits: light of the sky on whatever WCS the request brings; only the surveys named here have data."""

    def __init__(self, sky, surveys=("DESI-Legacy-Surveys",)):
        super().__init__(self._hips)
        self.sky, self._surveys = sky, surveys

    @property
    def urls(self):
        return {"hips": f"{self.url}/hips2fits"}

    def _hips(self, _path, query):
        header = json.loads(query["wcs"][0])
        wcs, shape = WCS(header), (header["NAXIS2"], header["NAXIS1"])
        identifier = query["hips"][0]
        if not any(name in identifier for name in self._surveys):
            return 200, {}, fits_bytes(np.full(shape, np.nan, np.float32), wcs)
        band = {"blue": "g", "red": "r", "NIR": "i"}.get(identifier.rsplit("/", 1)[1], identifier[-1])
        cards = {"BUNIT": "nanomaggy"} if "Legacy" in identifier else {}
        light = self.sky.expose(wcs, shape, band)
        # No sky is even: one value all over is what surveys fill up with.
        light += np.where(light == 0.0, np.random.default_rng(0).normal(0.0, 1e-4, shape), 0.0).astype(np.float32)
        return 200, {}, fits_bytes(light, wcs, **cards)


class NamesServer(LocalServer):
    """HyperLEDA under /leda (one galaxy a row), Sesame under /sesame."""

    def __init__(self, rows=()):
        super().__init__(self._names)
        self.rows = {int(row[0]): row for row in rows}

    @property
    def urls(self):
        return {"hyperleda": f"{self.url}/leda", "sesame": f"{self.url}/sesame"}

    def _names(self, path, query):
        if path == "/leda":
            wanted = [int(number) for number in re.findall(r"\d+", query["sql"][0])]
            lines = ["# HyperLEDA", "pgc|objname|al2000|de2000|type|t|logd25|logr25|pa"]
            lines += ["|".join(map(str, self.rows[pgc])) for pgc in wanted if pgc in self.rows]
            return 200, {}, ("\n".join(lines) + "\n# end\n").encode()
        name = next(iter(query), "")
        body = '<?xml version="1.0"?><Sesame><Target><name>x</name><Resolver name="N=NED">'
        if name == "M 101":
            body += "<jradeg>210.80242</jradeg><jdedeg>+54.34875</jdedeg><oname>MESSIER 101</oname>"
            body += "<alias>NGC  5457</alias><alias>LEDA   50063</alias><alias>PGC 50063</alias>"
        if name == "Lonely 1":
            body += "<jradeg>10.0</jradeg><jdedeg>-5.0</jdedeg>"
        if name == "Far 1":
            body += "<jradeg>200.0</jradeg><jdedeg>-5.0</jdedeg>"
        return 200, {}, (body + "</Resolver></Target></Sesame>").encode()


class SkyNamesServer(NamesServer):
    """HyperLEDA also by position, and Sesame that knows our galaxy as NGC 1."""

    def __init__(self, rows, sky):
        super().__init__(rows)
        self.sky = sky

    def _names(self, path, query):
        box = re.search(r"de2000 between (\S+) and (\S+)", query.get("sql", [""])[0])
        if path == "/leda" and box:
            low, high = map(float, box.groups())
            rows = [row for row in self.rows.values() if low <= float(row[3]) <= high]
            lines = ["pgc|objname|al2000|de2000|type|t|logd25|logr25|pa", *("|".join(map(str, row)) for row in rows)]
            return 200, {}, ("\n".join(lines) + "\n").encode()
        if path == "/sesame/-oxI/SNV" and next(iter(query), "") == "NGC 1":
            place = self.sky.place
            body = f"<jradeg>{place.ra.deg}</jradeg><jdedeg>{place.dec.deg}</jdedeg><oname>NGC 1</oname>"
            text = f'<?xml version="1.0"?><Sesame><Target><Resolver name="N=NED">{body}</Resolver></Target></Sesame>'
            return 200, {}, text.encode()
        return super()._names(path, query)


def leda_row(sky, pgc=1, log_d25=None):
    """What HyperLEDA says of the galaxy of this sky."""
    d25 = math.log10(sky.d25_arcsec / 6.0) if log_d25 is None else log_d25
    return (pgc, "NGC0001", sky.place.ra.deg / 15, sky.place.dec.deg, "Sb", 3, d25, 0.3, sky.position_angle_deg)
