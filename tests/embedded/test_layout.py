"""Where the embedded services keep their sockets, and whose folders they refuse."""

import os
from pathlib import Path

import pytest

from giz.embedded.errors import EmbeddedError
from giz.embedded.layout import (
    Layout,
    default_broker_url,
    default_cache_url,
    embedded_postgres_settings,
    postgres_url,
    private_folder,
)

from .conftest import as_root


def test_sockets_lie_in_the_data_folder_where_they_fit() -> None:
    assert Layout(Path("/srv/giz")).postgres_sockets == Path("/srv/giz/sockets/postgres")


@pytest.mark.parametrize("home", ["/srv/" + "x" * 80, "/srv/with space", "/srv/a,b", "/srv/ü" * 20])
def test_sockets_of_awkward_data_folders_lie_in_a_short_folder_of_their_own(home: str) -> None:
    layout, other = Layout(Path(home)), Layout(Path(home + "2"))
    assert layout.sockets.parent == Path("/tmp")
    assert layout.sockets != other.sockets
    assert len(os.fsencode(layout.postgres_sockets / ".s.PGSQL.5432")) < 104


def test_the_longest_socket_always_fits() -> None:
    for length in range(1, 200):
        layout = Layout(Path("/" + "h" * length))
        assert len(os.fsencode(layout.postgres_sockets / ".s.PGSQL.5432")) <= 103
        assert len(os.fsencode(layout.valkey_socket)) <= 103


def test_addresses_follow_from_the_data_folder_alone() -> None:
    home = Path("/srv/giz")
    assert embedded_postgres_settings(home)["HOST"] == "/srv/giz/sockets/postgres"
    assert postgres_url(Layout(home).postgres_sockets) == "postgresql://giz@/giz?host=/srv/giz/sockets/postgres"
    assert default_broker_url(home) == "redis+socket:///srv/giz/sockets/valkey/valkey.sock?virtual_host=0"
    assert default_cache_url(home) == "unix:///srv/giz/sockets/valkey/valkey.sock?db=1"
    assert not home.exists()


@as_root
def test_a_socket_folder_that_somebody_else_made_first_is_refused(tmp_path: Path) -> None:
    taken = tmp_path / "giz-taken"
    taken.mkdir()
    os.chown(taken, 4321, 4321)
    with pytest.raises(EmbeddedError, match="only this user can write"):
        private_folder(taken / "postgres")


def test_a_socket_folder_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(EmbeddedError, match="only this user can write"):
        private_folder(tmp_path / "link" / "postgres")


def test_a_socket_folder_that_others_may_write_is_refused(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir()
    (tmp_path / "open").chmod(0o777)
    with pytest.raises(EmbeddedError, match="chmod 711"):
        private_folder(tmp_path / "open" / "postgres")
