"""A real site for the browser: granian over a database of its own, driven by the same commands that a user types."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings

from giz.embedded.layout import DATABASE_RUNTIME_USER
from giz.embedded.site import SiteOptions, web_part

REPOSITORY = Path(__file__).resolve().parent.parent.parent
START_TIMEOUT_S = 60.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Site:
    """Web processes on a database cloned from the migrated template, with media and secrets of their own."""

    def __init__(self, folder: Path, database: dict[str, Any], template: str, *, web_workers: int = 1) -> None:
        self.web_workers = web_workers
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.database = f"site_{os.getpid()}_{self.port}"
        self._maintenance = f"host={database['HOST']} user={database['USER']} dbname=postgres port={database['PORT']}"
        with psycopg.connect(self._maintenance, autocommit=True) as server:
            server.execute(f'CREATE DATABASE "{self.database}" TEMPLATE "{template}"')
        self.environment = {
            **os.environ,
            # As a site runs: by a role that owns nothing.
            "DATABASE_URL": f"postgresql://{DATABASE_RUNTIME_USER}@/{self.database}?host={database['HOST']}",
            "DATABASE_OWNER_URL": f"postgresql://{database['USER']}@/{self.database}?host={database['HOST']}",
            "CELERY_BROKER_URL": settings.CELERY_BROKER_URL,
            "CACHE_URL": settings.CACHES["default"]["LOCATION"],
            # Else sites would count each other's requests: their people have the same numbers.
            "CACHE_KEY_PREFIX": self.database,
            "SITE_URL": self.address,
            "MEDIA_ROOT": str(folder / "media"),
            "LOG_LEVEL": "INFO",
            "PYTHONWARNINGS": "ignore",
        }
        self._web: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        log = (self.folder / "web.log").open("ab")
        part = web_part(SiteOptions(port=self.port, web_workers=self.web_workers), self.environment)
        self._web = subprocess.Popen(part.argv, cwd=REPOSITORY, env=part.env, stdout=log, stderr=log)
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(self.address + "/healthz", timeout=2):
                    return
            except (urllib.error.URLError, OSError):
                if self._web.poll() is not None:
                    break
                time.sleep(0.1)
        raise RuntimeError(f"the site did not start:\n{self.log()[-3000:]}")

    def stop(self) -> None:
        if self._web is not None:
            self._web.terminate()
            try:
                self._web.wait(10)
            except subprocess.TimeoutExpired:
                self._web.kill()
                self._web.wait()
            self._web = None

    def close(self) -> None:
        self.stop()
        with psycopg.connect(self._maintenance, autocommit=True) as server:
            self._drop(server)
        shutil.rmtree(self.folder, ignore_errors=True)

    def keep_as(self, template: str, media: Path) -> None:
        """Make the database of a site that never started one to clone, and move its pictures to ``media``."""
        with psycopg.connect(self._maintenance, autocommit=True) as server:
            server.execute(f'ALTER DATABASE "{self.database}" RENAME TO "{template}"')
        media.parent.mkdir(parents=True)
        shutil.move(self.folder / "media", media)

    def _drop(self, server: psycopg.Connection) -> None:
        """Drop the database; autovacuum, which is the superuser's, can't be sent away and is waited for."""
        end = time.monotonic() + 60
        while True:
            try:
                server.execute(f'DROP DATABASE "{self.database}" WITH (FORCE)')
                return
            except psycopg.errors.InsufficientPrivilege:
                if time.monotonic() > end:
                    raise
                time.sleep(0.5)

    def log(self) -> str:
        return (self.folder / "web.log").read_text(errors="replace")

    def manage(self, *words: str) -> str:
        """Run a management command as a user would; its output, or an error that shows it."""
        done = subprocess.run(
            [sys.executable, "manage.py", *words],
            cwd=REPOSITORY,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            said = f"{done.stdout}\n{done.stderr}"
            raise RuntimeError(f"manage.py {' '.join(words)} ended with {done.returncode}:\n{said}")
        return done.stdout + done.stderr

    def query(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Read from the site's database, to see what really was stored."""
        with psycopg.connect(self.environment["DATABASE_URL"]) as connection:
            return connection.execute(sql, values).fetchall()  # type: ignore[arg-type]

    def staff_password(self) -> str:
        """Make the first staff account, or give it a new password."""
        said = self.manage("ensure_staff", "--reset")
        return said.split("password: ", 1)[1].split()[0]
