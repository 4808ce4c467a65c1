"""Shut a process in, with the kernel's own means, called through ctypes.

Three walls, each of which works alone: Landlock (no file but the interpreter's libraries can
be read, none written), seccomp (an allow-list of system calls: no network, no new process, no
signal, no write access to anything) and resource limits. See docs/judge.md for what each
protects from. Sources: landlock(7), seccomp(2), linux/landlock.h, linux/filter.h.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
import sysconfig
from pathlib import Path

MEMORY_BYTES = 3 << 30
FILE_BYTES = 16 << 20
STACK_BYTES = 1 << 30

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, PR_SET_DUMPABLE = 1, 38, 22, 4
SECCOMP_MODE_FILTER = 2
SYS_LANDLOCK_CREATE, SYS_LANDLOCK_ADD, SYS_LANDLOCK_RESTRICT = 444, 445, 446
READ_FILE, READ_DIR = 1 << 2, 1 << 3
FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15}
"""Number of file-system rights that each Landlock ABI handles (16 from ABI 5 on)."""

_libc = ctypes.CDLL(None, use_errno=True)


def limit_resources(cpu_seconds: int) -> None:
    """Set the limits that hold even where nothing else does."""
    limits = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_DATA, MEMORY_BYTES),
        (resource.RLIMIT_STACK, STACK_BYTES),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CPU, cpu_seconds),
    ]
    for which, wanted in limits:
        hard = resource.getrlimit(which)[1]
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        try:
            resource.setrlimit(which, (value, value))
        except (ValueError, OSError):  # macOS refuses RLIMIT_AS
            continue


def die_with_parent() -> None:
    """Ask the kernel to kill this process when the one that forked it ends."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def forbid_new_privileges() -> None:
    """Let no program that is executed later gain rights; the two walls below need it."""
    if sys.platform == "linux":
        _libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


# ---------------------------------------------------------------------------- Landlock


def restrict_files() -> bool:
    """Leave this process and its children only read access to Python's own libraries."""
    if sys.platform != "linux":
        return False
    abi = _libc.syscall(SYS_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1)
    if abi < 1:
        return False
    fs_rights = (1 << FS_BITS.get(abi, 16)) - 1
    net_rights = 3 if abi >= 4 else 0
    scopes = 3 if abi >= 6 else 0
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    attributes = struct.pack("<QQQ", fs_rights, net_rights, scopes)[:size]
    ruleset = _libc.syscall(SYS_LANDLOCK_CREATE, attributes, ctypes.c_size_t(size), 0)
    if ruleset < 0:
        return False
    try:
        for path in readable_paths():
            _allow_reading(ruleset, path)
        return bool(_libc.syscall(SYS_LANDLOCK_RESTRICT, ruleset, 0) == 0)
    finally:
        os.close(ruleset)


def _allow_reading(ruleset: int, path: Path) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    rights = READ_FILE | (READ_DIR if path.is_dir() else 0)
    _libc.syscall(SYS_LANDLOCK_ADD, ruleset, 1, struct.pack("<Qi", rights, fd), 0)
    os.close(fd)


def readable_paths() -> list[Path]:
    """Return what a program may read: interpreter, packages, shared libraries, time zones.

    This package and the benchmarks' are left out, since local problem sets are shipped in
    them; so are editable installs, whose folders hold far more than the package.
    """
    found = [Path(p) for p in ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")]
    found = [path for top in found for path in _library_entries(top)]
    found += [Path(p) for p in ("/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo")]
    found += [Path(p) for p in ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")]
    libraries = {Path(sys.base_prefix) / "lib", Path(sys.prefix) / "lib"}
    libraries |= {Path(sysconfig.get_path(n)) for n in ("stdlib", "platstdlib", "purelib")}
    libraries |= {Path(p) for p in sys.path if p.endswith(("-packages", "lib-dynload"))}
    numpy = sys.modules.get("numpy")
    if numpy is not None and numpy.__file__:
        libraries.add(Path(numpy.__file__).parent.parent)
    for folder in libraries:
        found += _library_entries(folder)
    return found


def _library_entries(folder: Path) -> list[Path]:
    """Return the entries of a library folder, but for the folders that hold packages."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    kept = [e for e in entries if not e.name.startswith(("pytest_dualcode", "evalplus"))]
    packages = [e for e in kept if e.name.endswith("-packages") or e.name.startswith("python3")]
    inner = [x for p in packages if p.is_dir() for x in _library_entries(p)]
    return [e for e in kept if e not in packages] + inner


# ---------------------------------------------------------------------------- seccomp

AUDIT_ARCH = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
EPERM, ENOSYS = 1, 38
ALLOW, ERRNO = 0x7FFF0000, 0x00050000

# name: (x86_64, aarch64); None where the architecture has no such call.
FREE_CALLS: dict[str, tuple[int | None, int | None]] = {
    "read": (0, 63), "write": (1, 64), "close": (3, 57), "stat": (4, None), "fstat": (5, 80),
    "lstat": (6, None), "poll": (7, None), "lseek": (8, 62), "mmap": (9, 222),
    "mprotect": (10, 226), "munmap": (11, 215), "brk": (12, 214), "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "pread64": (17, 67),
    "pwrite64": (18, 68), "readv": (19, 65), "writev": (20, 66), "access": (21, None),
    "pipe": (22, None), "select": (23, None), "sched_yield": (24, 124), "mremap": (25, 216),
    "msync": (26, 227), "mincore": (27, 232), "madvise": (28, 233), "dup": (32, 23),
    "dup2": (33, None), "pause": (34, None), "nanosleep": (35, 101), "getitimer": (36, 102),
    "alarm": (37, None), "setitimer": (38, 103), "getpid": (39, 172), "recvfrom": (45, 207),
    "shutdown": (48, 210), "getsockname": (51, 204), "getpeername": (52, 205),
    "socketpair": (53, 199), "setsockopt": (54, 208), "getsockopt": (55, 209),
    "exit": (60, 93), "uname": (63, 160), "getcwd": (79, 17), "readlink": (89, None),
    "gettimeofday": (96, 169), "getrlimit": (97, 163), "getrusage": (98, 165),
    "sysinfo": (99, 179), "times": (100, 153), "getuid": (102, 174), "getgid": (104, 176),
    "geteuid": (107, 175), "getegid": (108, 177), "getppid": (110, 173), "getpgrp": (111, None),
    "getgroups": (115, 158), "getresuid": (118, 148), "getresgid": (120, 150),
    "getpgid": (121, 155), "getsid": (124, 156), "rt_sigpending": (127, 136),
    "rt_sigtimedwait": (128, 137), "rt_sigsuspend": (130, 133), "sigaltstack": (131, 132),
    "statfs": (137, 43), "fstatfs": (138, 44), "getpriority": (140, 141),
    "sched_getparam": (143, 121), "sched_getscheduler": (145, 120), "arch_prctl": (158, None),
    "time": (201, None), "gettid": (186, 178), "futex": (202, 98),
    "sched_getaffinity": (204, 123), "getdents64": (217, 61), "set_tid_address": (218, 96),
    "restart_syscall": (219, 128), "clock_gettime": (228, 113), "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115), "exit_group": (231, 94), "epoll_wait": (232, None),
    "epoll_ctl": (233, 21), "newfstatat": (262, 79), "readlinkat": (267, 78),
    "faccessat": (269, 48), "pselect6": (270, 72), "ppoll": (271, 73),
    "set_robust_list": (273, 99), "epoll_pwait": (281, 22), "eventfd2": (290, 19),
    "epoll_create1": (291, 20), "dup3": (292, 24), "pipe2": (293, 59), "preadv": (295, 69),
    "getcpu": (309, 168), "getrandom": (318, 278), "membarrier": (324, 283),
    "statx": (332, 291), "rseq": (334, 293), "close_range": (436, 436),
    "faccessat2": (439, 439), "epoll_pwait2": (441, 441),
}  # fmt: skip

# Calls allowed only for some values of one argument: (numbers, argument, test, value).
# "masked": no bit of value is set; "has": all bits are set; "zero": the argument is 0;
# "among": the low word is one of the values.
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | getattr(os, "O_TMPFILE", 0x410000)
OPEN_FOR_WRITING = WRITING & ~getattr(os, "O_DIRECTORY", 0x10000)
CLONE_THREAD = 0x00010000
FCNTL_COMMANDS = (0, 1, 2, 3, 4, 1030)
"""F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_DUPFD_CLOEXEC: F_SETOWN and F_SETSIG would
let a process send any signal to another."""
IOCTLS = (0x5401, 0x5413, 0x5421, 0x541B, 0x5450, 0x5451)
"""TCGETS, TIOCGWINSZ, FIONBIO, FIONREAD, FIONCLEX, FIOCLEX."""
PRCTLS = (15, 16, 0x53564D41)
"""PR_SET_NAME, PR_GET_NAME, PR_SET_VMA (glibc names its arenas)."""

GUARDED: list[tuple[tuple[int | None, int | None], int, str, tuple[int, ...]]] = [
    ((2, None), 1, "masked", (OPEN_FOR_WRITING,)),  # open
    ((257, 56), 2, "masked", (OPEN_FOR_WRITING,)),  # openat
    ((56, 220), 0, "has", (CLONE_THREAD,)),  # clone
    ((72, 25), 1, "among", FCNTL_COMMANDS),  # fcntl
    ((16, 29), 1, "among", IOCTLS),  # ioctl
    ((157, 167), 0, "among", PRCTLS),  # prctl
    ((302, 261), 2, "zero", ()),  # prlimit64: read, never set
    ((44, 206), 4, "zero", ()),  # sendto: only to the peer of a socketpair
]
NOT_IMPLEMENTED = ((435, 435), (437, 437))
"""clone3 and openat2 keep their flags in memory; libc falls back to the calls above."""

Instruction = tuple[int, int, int, int]


def _statement(code: int, k: int) -> Instruction:
    return (code, 0, 0, k)


def _jump(k: int, yes: int, no: int, code: int = 0x15) -> Instruction:
    return (code, yes, no, k)


def _load(offset: int) -> Instruction:
    return _statement(0x20, offset)


def _returns(value: int) -> Instruction:
    return _statement(0x06, value)


def _argument_test(test: str, argument: int, values: tuple[int, ...]) -> list[Instruction]:
    """Return instructions that answer for one guarded call; each path ends in a return."""
    low, high = 16 + 8 * argument, 20 + 8 * argument
    allow, refuse = _returns(ALLOW), _returns(ERRNO | EPERM)
    if test == "masked":
        return [_load(low), _jump(values[0], 1, 0, 0x45), allow, refuse]
    if test == "has":
        return [_load(low), _jump(values[0], 0, 1, 0x45), allow, refuse]
    if test == "zero":
        return [_load(low), _jump(0, 0, 3), _load(high), _jump(0, 0, 1), allow, refuse]
    count = len(values)
    tests = [_jump(v, count - i, 0) for i, v in enumerate(values)]
    return [_load(low), *tests, refuse, allow]


def build_filter(machine: str) -> bytes:
    """Return the BPF program for `machine` (``x86_64`` or ``aarch64``) as packed bytes."""
    column = ("x86_64", "aarch64").index(machine)
    code = [_load(4), _jump(AUDIT_ARCH[machine], 1, 0), _returns(ERRNO | EPERM), _load(0)]
    for numbers, argument, test, values in GUARDED:
        number = numbers[column]
        if number is not None:
            body = _argument_test(test, argument, values)
            code += [_jump(number, 0, len(body)), *body]
    for pair in NOT_IMPLEMENTED:
        code += [_jump(pair[column], 0, 1), _returns(ERRNO | ENOSYS)]
    for free in FREE_CALLS.values():
        number = free[column]
        if number is not None:
            code += [_jump(number, 0, 1), _returns(ALLOW)]
    code.append(_returns(ERRNO | EPERM))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


class SeccompFilter:
    """A filter built once in the zygote and put on in each child."""

    def __init__(self) -> None:
        machine = platform.machine()
        if sys.platform != "linux" or machine not in AUDIT_ARCH:
            self._program = None
            return
        code = build_filter(machine)
        self._code = ctypes.create_string_buffer(code, len(code))
        pointer = ctypes.addressof(self._code)
        self._program = struct.pack("<HxxxxxxQ", len(code) // 8, pointer)

    def put_on(self) -> bool:
        """Restrict this process for good; False where the kernel has no seccomp."""
        if self._program is None:
            return False
        return bool(_libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, self._program, 0, 0) == 0)
