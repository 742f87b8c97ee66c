"""The Valkey of our own, run for real."""

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from giz.embedded import binaries
from giz.embedded.child import LineSink, ignore_line
from giz.embedded.errors import EmbeddedError
from giz.embedded.valkey import QUEUE_FOLDER, ValkeyServer

from .conftest import kill_hard, on_linux


def server_in(home: Path, on_line: LineSink = ignore_line) -> ValkeyServer:
    return ValkeyServer(home / "valkey", home / "sockets" / "valkey" / "valkey.sock", on_line=on_line)


def client_of(server: ValkeyServer) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(server.socket_path))


def test_what_was_queued_survives_a_restart(home: Path) -> None:
    with server_in(home) as server, client_of(server) as client:
        client.rpush("queue", "job")
    with server_in(home) as server, client_of(server) as client:
        assert client.lrange("queue", 0, -1) == [b"job"]


@pytest.mark.finding("fault F5")
@on_linux
def test_what_was_queued_survives_kill_9(home: Path) -> None:
    server = server_in(home)
    server.start()
    with client_of(server) as client:
        client.rpush("queue", "job")
        client.waitaof(1, 0, 10_000)
    assert server.pid is not None
    kill_hard(server.pid)
    with server_in(home) as again, client_of(again) as client:
        assert client.lrange("queue", 0, -1) == [b"job"]
    server.stop()


def test_it_never_evicts_and_listens_on_no_port(home: Path) -> None:
    with server_in(home) as server, client_of(server) as client:
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert client.config_get("port") == {"port": "0"}
        assert server.socket_path.parent.stat().st_mode & 0o777 == 0o700


def damage_garbage(file: Path) -> None:
    file.write_bytes(b"*3\r\n$-9\r\nnonsense" + file.read_bytes())


def damage_zeros_at_the_end(file: Path) -> None:
    file.write_bytes(file.read_bytes() + bytes(4096))


def damage_manifest(file: Path) -> None:
    next(file.parent.glob("*.manifest")).write_text("nonsense\n")


@pytest.mark.finding("fault F5")
@pytest.mark.parametrize("damage", [damage_garbage, damage_zeros_at_the_end, damage_manifest])
def test_a_damaged_queue_is_set_aside_with_a_sentence(home: Path, damage: Callable[[Path], None]) -> None:
    with server_in(home) as server, client_of(server) as client:
        client.rpush("queue", "job")
    (file,) = (server.data_dir / QUEUE_FOLDER).glob("*.incr.aof")
    damage(file)
    said: list[str] = []
    with server_in(home, said.append) as again, client_of(again) as client:
        assert client.llen("queue") == 0
        client.rpush("queue", "another")
    (kept,) = server.data_dir.glob(f"{QUEUE_FOLDER}.damaged-*")
    assert [line for line in said if str(kept) in line]
    assert (kept / file.name).exists()
    with server_in(home) as third, client_of(third) as client:
        assert client.lrange("queue", 0, -1) == [b"another"]


def test_without_any_valkey_the_setting_to_set_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(binaries, "wheel_folder", lambda _package: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedError, match="CELERY_BROKER_URL=redis://"):
        binaries.find_valkey()


def test_without_any_postgres_the_setting_to_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="DATABASE_URL=postgresql://"):
        binaries.find_postgres([tmp_path])
