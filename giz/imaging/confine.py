"""Confine a decoding process before it reads a file from outside: memory, time, network, files, other processes.

Linux only, by system calls: `no_new_privs`, Landlock (only files below Python's own folders can be read) and seccomp
(no sockets, no new processes or programs, no access to other processes). Each is skipped if the kernel lacks it; the
resource limits always hold.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys

MEMORY_BYTES = 400_000_000
MOST_FILES = 32
# Most bytes unpacked from a survey's frame, into the one file that the parent opened for it.
MOST_FILE_BYTES = 2_000_000_000

_PR_SET_PDEATHSIG, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 22, 38
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_LANDLOCK_ALL_ACCESS, _LANDLOCK_READ = (1 << 13) - 1, 1 << 2 | 1 << 3  # version 1 of its interface
_ARCHITECTURES = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
_EPERM = 1
# Call numbers on x86_64 and aarch64; None if there is no such call.
# fmt: off
_REFUSED: dict[str, tuple[int | None, int | None]] = {
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201), "socketpair": (53, 199),
    "accept": (43, 202), "accept4": (288, 242),
    "fork": (57, None), "vfork": (58, None), "clone": (56, 220), "clone3": (435, 435),
    "execve": (59, 221), "execveat": (322, 281), "ptrace": (101, 117),
    "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "process_madvise": (440, 440),
    "kill": (62, 129), "tkill": (200, 130), "tgkill": (234, 131),
    "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "pidfd_send_signal": (424, 424), "prlimit64": (302, 261),
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "bpf": (321, 280), "keyctl": (250, 219),
    "add_key": (248, 217), "request_key": (249, 218), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "open_by_handle_at": (304, 265), "openat2": (437, 437), "creat": (85, None), "mknodat": (259, 33),
    "unlink": (87, None), "unlinkat": (263, 35), "rename": (82, None), "renameat2": (316, 276),
    "mkdir": (83, None), "mkdirat": (258, 34), "symlinkat": (266, 36), "linkat": (265, 37), "fchmodat": (268, 53),
}
# fmt: on
_OPENS = {"open": (2, None, 1), "openat": (257, 56, 2)}  # and which argument holds the flags
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC


def die_with(parent: int) -> None:
    """End this process when the thread that started it ends, at once if it has ended already."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def memory_file() -> int | None:
    """Open the file that states the memory of this process; call it before `close_disk`."""
    return os.open("/proc/self/statm", os.O_RDONLY) if sys.platform == "linux" else None


def limit(seconds: float, memory: int | None) -> None:
    """Limit memory (beyond what the process already uses), CPU time, open files and file sizes.

    ``memory`` is the `memory_file` of this process or of the one that it was forked from.
    """
    if memory is not None:
        reserved, held = (int(pages) * resource.getpagesize() for pages in os.pread(memory, 100, 0).split()[:2])
        _lower(resource.RLIMIT_AS, reserved + MEMORY_BYTES - held)
    _lower(resource.RLIMIT_CPU, max(1, round(seconds)))
    _lower(resource.RLIMIT_NOFILE, MOST_FILES)
    _lower(resource.RLIMIT_FSIZE, MOST_FILE_BYTES)
    _lower(resource.RLIMIT_CORE, 0)
    # Python ignores the signal of the file size limit; the write then fails as on a full disk.
    signal.signal(signal.SIGXCPU, signal.SIG_DFL)


def _lower(what: int, value: int) -> None:
    soft, hard = resource.getrlimit(what)
    lowest = min(number for number in (value, soft, hard) if number != resource.RLIM_INFINITY)
    resource.setrlimit(what, (lowest, lowest))


def close_disk(read_folders: list[str]) -> bool:
    """Allow this process and its children only to read, and only below these folders, for good (Landlock)."""
    return sys.platform == "linux" and _prctl(_PR_SET_NO_NEW_PRIVS, 1) == 0 and _landlock(read_folders)


def close_calls() -> bool:
    """Forbid sockets, new processes and programs, access to other processes, and opening files to write (seccomp)."""
    return sys.platform == "linux" and _prctl(_PR_SET_NO_NEW_PRIVS, 1) == 0 and _seccomp()


_LIBC = ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, value: int, argument: ctypes.Array[ctypes.c_char] | None = None) -> int:
    return int(_LIBC.prctl(option, ctypes.c_ulong(value), argument, ctypes.c_ulong(0), ctypes.c_ulong(0)))


def _landlock(read_folders: list[str]) -> bool:
    call = _LIBC.syscall
    attributes = ctypes.create_string_buffer(struct.pack("=Q", _LANDLOCK_ALL_ACCESS), 8)
    rules = int(call(_LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(8), 0))
    if rules < 0:
        return False
    for folder in read_folders:
        try:
            handle = os.open(folder, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue
        beneath = ctypes.create_string_buffer(struct.pack("=Qi", _LANDLOCK_READ, handle), 12)
        call(_LANDLOCK_ADD_RULE, rules, 1, beneath, 0)
        os.close(handle)
    done = int(call(_LANDLOCK_RESTRICT_SELF, rules, 0)) == 0
    os.close(rules)
    return done


def _seccomp() -> bool:
    """Return a filter in classic BPF (seccomp(2)): calls of `_REFUSED`, and opening to write, fail with EPERM."""
    found = _ARCHITECTURES.get(platform.machine())
    if found is None:
        return False
    architecture, column = found
    load, equal, any_bit, greater, answer = 0x20, 0x15, 0x45, 0x35, 0x06
    refuse, allow = 0x00050000 | _EPERM, 0x7FFF0000
    program = [(load, 0, 0, 4), (equal, 1, 0, architecture), (answer, 0, 0, refuse), (load, 0, 0, 0)]
    # Other numbers of the same calls (x32).
    program += [(greater, 0, 1, 0x40000000), (answer, 0, 0, refuse)]
    for numbers in _REFUSED.values():
        number = numbers[column]
        if number is not None:
            program += [(equal, 0, 1, number), (answer, 0, 0, refuse)]
    for opens in _OPENS.values():
        number, flags = opens[column], 16 + 8 * (opens[2] or 0)
        if number is not None:
            program += [(equal, 0, 4, number), (load, 0, 0, flags), (any_bit, 0, 1, _WRITES), (answer, 0, 0, refuse)]
            program += [(answer, 0, 0, allow)]
    program.append((answer, 0, 0, allow))
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    lines = ctypes.create_string_buffer(code, len(code))
    described = ctypes.create_string_buffer(struct.pack("@HP", len(program), ctypes.addressof(lines)))
    return _prctl(_PR_SET_SECCOMP, 2, described) == 0
