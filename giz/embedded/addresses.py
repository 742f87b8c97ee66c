"""The names and addresses under which other machines reach this one."""

import contextlib
import fcntl
import ipaddress
import socket
import struct
from pathlib import Path

WILDCARDS = ("0.0.0.0", "::", "")  # noqa: S104 - named, not bound
LOOPBACKS = ("127.0.0.1", "localhost", "::1")
_SIOCGIFADDR = 0x8915  # Linux: the IPv4 address of an interface
_IPV6_TABLE = Path("/proc/net/if_inet6")


def in_url(host: str) -> str:
    """Write a host as a URL wants it: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def own_names() -> list[str]:
    """Return the names of this machine except localhost."""
    names = {socket.gethostname().lower(), socket.getfqdn().lower()}
    return sorted(name for name in names if name and name not in LOOPBACKS and not name.startswith("localhost"))


def own_addresses() -> list[str]:
    """Return the addresses of this machine that others can reach, the one of its default route first."""
    found = [_source_for("192.0.2.1", socket.AF_INET), *_of_interfaces(), _source_for("2001:db8::1", socket.AF_INET6)]
    with contextlib.suppress(OSError):
        found += [str(entry[4][0]) for entry in socket.getaddrinfo(socket.gethostname(), None)]
    kept: list[str] = []
    for text in found:
        with contextlib.suppress(ValueError):
            address = ipaddress.ip_address(text.partition("%")[0])
            if not (address.is_loopback or address.is_link_local or address.is_unspecified) and text not in kept:
                kept.append(text)
    return kept


def _source_for(other: str, family: socket.AddressFamily) -> str:
    """Return the address from which this machine would connect to another. Nothing is sent."""
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
        probe.connect((other, 9))
        return str(probe.getsockname()[0])
    return ""


def _of_interfaces() -> list[str]:
    """Return the address of every interface on Linux; elsewhere the machine's name leads to them."""
    found = []
    if _IPV6_TABLE.parent.is_dir():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            for _index, name in socket.if_nameindex():
                with contextlib.suppress(OSError):
                    answer = fcntl.ioctl(probe, _SIOCGIFADDR, struct.pack("256s", name.encode()[:15]))
                    found.append(socket.inet_ntoa(answer[20:24]))
    with contextlib.suppress(OSError):
        for line in _IPV6_TABLE.read_text().splitlines():
            found.append(str(ipaddress.IPv6Address(int(line.split()[0], 16))))
    return found
