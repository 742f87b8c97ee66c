"""The process that owns one embedded server for as long as anybody uses it.

``python -m giz.embedded.keeper postgres /path/of/GIZ_HOME HANDLE`` is started by the first command that needs the
server (shared.py), which hands over the keeper's lock: there is never a second keeper. It restarts a server that dies,
and stops it when the last user has left or died. If the keeper itself is killed, its watchdog stops the server and the
next user starts another keeper.
"""

import signal
import sys
import threading
from pathlib import Path

from giz.embedded.binaries import find_postgres
from giz.embedded.errors import EmbeddedError, unwritable
from giz.embedded.layout import Layout
from giz.embedded.locks import ServerState
from giz.embedded.logs import PartLog
from giz.embedded.postgres import PostgresServer
from giz.embedded.service import Server
from giz.embedded.supervisor import Restarter, StopRequestedError, Supervisor
from giz.embedded.valkey import ValkeyServer

FIRST_PAUSE_S = 0.1
# Five restarts, also of a server that lives for half a minute each time: commands wait for it.
MAX_FAILURES, HEALTHY_S = 6, 30.0


def make_server(layout: Layout, service: str) -> Server:
    if service == "postgres":
        binaries = find_postgres()
        return PostgresServer(layout.postgres_data(binaries.major), layout.postgres_sockets, binaries=binaries)
    return ValkeyServer(layout.valkey_data, layout.valkey_socket)


def keep(layout: Layout, service: str, lock_handle: int) -> int:
    """Run one server until its last user has left; return the exit code."""
    state, supervisor = ServerState(layout, service, lock_handle), Supervisor()

    def request_stop(*_signal: object) -> None:
        supervisor.stop_requested = True

    def await_last_user() -> None:
        state.users.take(wait=True)
        request_stop()

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, request_stop)
    state.write("starting")
    threading.Thread(target=await_last_user, daemon=True).start()
    log = PartLog(layout.logs, state.log_name)
    try:
        server = Restarter(
            make_server(layout, service),
            log=log,
            say=log.write,
            max_failures=MAX_FAILURES,
            healthy_s=HEALTHY_S,
            first_pause_s=FIRST_PAUSE_S,
        )
        supervisor.start(server, wait=False)
        supervisor.watch(lambda: state.write("ready" if server.is_ready() else "starting"))
    except StopRequestedError:
        pass  # before it had begun to start
    except (EmbeddedError, OSError) as error:
        failure = error if isinstance(error, EmbeddedError) else unwritable(layout.home, error)
        log.write(" ".join(str(failure).split()))
        state.write("failed", failure)
        return 1
    finally:
        supervisor.stop()
    state.clear()
    # In this order: a newcomer waits for the users' lock, and must then find no keeper.
    state.keeper.release()
    return 0


if __name__ == "__main__":
    sys.exit(keep(Layout(Path(sys.argv[2])), sys.argv[1], int(sys.argv[3])))
