"""Typed readers of environment variables; the lowest floor, importable by everything and before Django."""

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent

_TRUE = {"1", "true", "yes", "on"}
_FALSE = {"0", "false", "no", "off", ""}


class BadSetting(ValueError):
    """An environment variable holds a value that can't be used; the message names it and the rule."""


def text(name: str, default: str = "") -> str:
    """Return the variable as text; an empty value counts as not set."""
    return os.environ.get(name, "").strip() or default


def integer(name: str, default: int, *, minimum: int | None = None, maximum: int | None = None) -> int:
    raw = text(name)
    if not raw:
        return default
    try:
        value = int(raw)
    except ValueError:
        raise BadSetting(f"{name} must be a whole number, not {raw!r}. Example: {name}={default}") from None
    if (minimum is not None and value < minimum) or (maximum is not None and value > maximum):
        raise BadSetting(f"{name} must lie between {minimum} and {maximum}, not {value}. Example: {name}={default}")
    return value


def boolean(name: str, default: bool) -> bool:
    raw = os.environ.get(name)
    if raw is None:
        return default
    value = raw.strip().lower()
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise BadSetting(f"{name} must be one of 1, 0, true, false, yes, no, on, off; not {raw!r}.")


def choice(name: str, default: str, known: Sequence[str]) -> str:
    value = text(name, default).lower()
    if value not in known:
        raise BadSetting(f"{name} must be one of {', '.join(known)}; not {value!r}.")
    return value


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """Return a comma-separated list without empty items."""
    raw = text(name)
    return [word.strip() for word in raw.split(",") if word.strip()] if raw else list(default)


def path(name: str, default: Path) -> Path:
    raw = text(name)
    return Path(raw).expanduser().resolve() if raw else default


def site_address(name: str, default: str) -> str:
    """Return ``http(s)://host[:port]`` without a slash at the end: the site can't live below a path."""
    value = text(name, default).rstrip("/")
    try:
        parts = urlsplit(value)
        is_origin = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_origin = False
    if not is_origin or parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise BadSetting(
            f"{name} must be the site's address without a path, not {value!r}. Example: {name}=https://giz.example.org"
        )
    return value


def giz_home() -> Path:
    """Return the folder of all data by default; GIZ_HOME moves it."""
    home = path("GIZ_HOME", BASE_DIR / ".giz")
    above = next((folder for folder in (home, *home.parents) if folder.exists()), home)
    if above.exists() and not above.is_dir():
        raise BadSetting(f"GIZ_HOME must be a folder, but {above} is a file. Choose another: GIZ_HOME=/some/folder")
    return home


def ensure_secret_key() -> None:
    """Give a local installation its own secret key, made once and kept in GIZ_HOME (mode 0600).

    Only with the embedded database: a deployment, which sets DATABASE_URL, must set SECRET_KEY.
    """
    if text("SECRET_KEY"):
        return
    if text("DATABASE_URL"):
        raise BadSetting(
            "SECRET_KEY must be set when DATABASE_URL is set. Use at least 50 random characters, e.g. from: openssl "
            "rand -base64 48"
        )
    file = giz_home() / "secret_key"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        raise SystemExit(
            f"GIZ cannot write its data folder {file.parent} ({error.strerror}). "
            "Make it writable, or choose another with GIZ_HOME=/some/folder."
        ) from None
    else:
        with os.fdopen(handle, "w") as out:
            out.write(secrets.token_urlsafe(50))
    os.environ["SECRET_KEY"] = file.read_text().strip()


def database_from_url(url: str, *, name: str = "DATABASE_URL") -> dict[str, str | int]:
    """Return Django's HOST, PORT, NAME, USER, PASSWORD from ``postgresql://user:password@host:5432/name``.

    A unix socket folder goes into the query: ``postgresql://giz@/giz?host=/run/postgresql``.
    """
    parts = urlsplit(url)
    database = unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgres", "postgresql"} or not database:
        raise BadSetting(
            f"{name} must look like postgresql://user:password@host:5432/name; "
            f"its scheme is {parts.scheme!r} and its database {database!r}."
        )
    socket = parse_qs(parts.query).get("host", [""])[0]
    return {
        "NAME": database,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": socket or parts.hostname or "",
        "PORT": parts.port or "",
    }
