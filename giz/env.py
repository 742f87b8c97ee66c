"""Typed readers of environment variables; the lowest floor, importable before Django and by everything."""

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
    """The variable as text; an empty value counts as not set."""
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


def words(name: str, default: Sequence[str] = ()) -> list[str]:
    """A comma-separated list; blanks are dropped."""
    raw = text(name)
    return [word.strip() for word in raw.split(",") if word.strip()] if raw else list(default)


def path(name: str, default: Path) -> Path:
    raw = text(name)
    return Path(raw).expanduser().resolve() if raw else default


def giz_home() -> Path:
    """The folder that holds all data of the embedded defaults (GIZ_HOME moves it)."""
    return path("GIZ_HOME", BASE_DIR / ".giz")


def ensure_secret_key() -> None:
    """Give a local installation a secret key of its own, made once and kept in GIZ_HOME (mode 0600).

    Only with the embedded database: where DATABASE_URL is set, somebody deploys, and must set SECRET_KEY.
    """
    if text("SECRET_KEY"):
        return
    if text("DATABASE_URL"):
        raise BadSetting(
            "SECRET_KEY is not set, and where DATABASE_URL is set it must be. "
            "Take at least 50 random characters, e.g. from: openssl rand -base64 48"
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


def database_from_url(url: str) -> dict[str, str | int]:
    """Django's HOST, PORT, NAME, USER, PASSWORD from ``postgresql://user:password@host:5432/name``.

    A unix socket folder goes into the query: ``postgresql://giz@/giz?host=/run/postgresql``.
    """
    parts = urlsplit(url)
    name = unquote(parts.path.lstrip("/"))
    if parts.scheme not in {"postgres", "postgresql"} or not name:
        raise BadSetting(
            "DATABASE_URL must look like postgresql://user:password@host:5432/name; "
            f"its scheme is {parts.scheme!r} and its database {name!r}."
        )
    socket = parse_qs(parts.query).get("host", [""])[0]
    return {
        "NAME": name,
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": socket or parts.hostname or "",
        "PORT": parts.port or "",
    }
