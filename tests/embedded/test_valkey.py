"""The Valkey of our own, run for real."""

from pathlib import Path

import pytest
import redis

from giz.embedded import binaries
from giz.embedded.errors import EmbeddedError
from giz.embedded.valkey import ValkeyServer

from .conftest import kill_hard, on_linux


def server_in(home: Path) -> ValkeyServer:
    return ValkeyServer(home / "valkey", home / "sockets" / "valkey" / "valkey.sock")


def client_of(server: ValkeyServer) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(server.socket_path))


def test_what_was_queued_survives_a_restart(home: Path) -> None:
    with server_in(home) as server, client_of(server) as client:
        client.rpush("queue", "job")
    with server_in(home) as server, client_of(server) as client:
        assert client.lrange("queue", 0, -1) == [b"job"]


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


def test_a_damaged_append_only_file_gives_a_sentence_and_a_way_out(home: Path) -> None:
    with server_in(home) as server, client_of(server) as client:
        client.rpush("queue", "job")
    for file in (server.data_dir / "appendonlydir").glob("*.incr.aof"):
        file.write_bytes(b"*3\r\n$-9\r\nnonsense" + file.read_bytes())
    with pytest.raises(EmbeddedError) as caught:
        server_in(home).start()
    assert str(server.data_dir) in caught.value.what
    assert f"mv {server.data_dir}" in caught.value.way_out


def test_without_any_valkey_the_setting_to_set_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(binaries, "wheel_folder", lambda _package: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EmbeddedError, match="CELERY_BROKER_URL=redis://"):
        binaries.find_valkey()


def test_without_any_postgres_the_setting_to_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match="DATABASE_URL=postgresql://"):
        binaries.find_postgres([tmp_path])
