"""The floors of the house: import-linter's contracts hold, and no package stands outside them."""

import configparser
import os
import re
import subprocess
import sys
from pathlib import Path

from tests.architecture.repository import REPOSITORY, product_modules, read


def contracts() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read_string(read(".importlinter"))
    return parser


def test_every_import_contract_holds() -> None:
    linter = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([linter, "--no-cache"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_package_stands_on_a_floor() -> None:
    layers = contracts()["importlinter:contract:floors"]["layers"]
    listed = set(re.findall(r"[\w.]+", layers))
    rooms = {".".join(file.with_suffix("").parts[: 2 if file.parts[0] == "giz" else 1]) for file in product_modules()}
    assert rooms - {"giz.__init__", "manage"} <= listed


def test_every_app_is_held_to_the_floors_inside_an_app() -> None:
    containers = contracts()["importlinter:contract:inside-apps"]["containers"].split()
    apps = {".".join(file.parent.parts) for file in product_modules() if file.name == "apps.py"}
    # The lowest floor has no inner floors: everything in it serves everybody.
    assert apps - {"giz.core", "giz.embedded"} <= set(containers)


def test_the_web_process_loads_no_torch() -> None:
    script = "import sys, giz.wsgi; print([name for name in sys.modules if name.split('.')[0].startswith('torch')])"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, env=dict(os.environ), capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"
