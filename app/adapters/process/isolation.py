"""Shutting a process in before it works on what others wrote: as many walls as the kernel gives.

Own namespaces (user, pid, mount, net, ipc, uts) with a root that holds nothing but what the process
needs to read, Landlock over the same places, no capabilities, no new privileges, a filter of system
calls, and limits of memory, processes, files and their size. Each wall stands by itself: where one
is refused, the others are still raised, and `doctor` says which is missing and why.

It runs in children only, before they have threads. As a script it shuts itself in and becomes another
program; each module that it imports delays that, so there are none but a few written in C.
"""

# ruff: noqa: PTH100, PTH103, PTH110, PTH112, PTH120, PTH123 - pathlib is large, see above

import ctypes
import os
import resource
import select
import struct
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from types import TracebackType

NAMESPACES = {
    "user": 0x1000_0000, "pid": 0x2000_0000, "mnt": 0x0002_0000, "net": 0x4000_0000,
    "ipc": 0x0800_0000, "uts": 0x0400_0000,
}  # fmt: skip
LIBRARIES = (
    "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/local/lib", "/lib", "/lib32", "/lib64", "/nix/store",
    "/etc/ld.so.cache", "/etc/localtime", "/usr/share/zoneinfo",
)  # fmt: skip
"""What programs load by themselves, where it is there."""

_NOBODY = 65534
_MOUNT_POINTS = ("/tmp", "/mnt", "/var/tmp", "/run")  # noqa: S108 - only covered, in a mount namespace of its own
MACHINE = os.uname().machine
_SIGKILL = 9
_GRACE_MS = 2_000
_PDEATHSIG, _DUMPABLE, _SECCOMP, _DROP_BOUNDING, _NO_NEW_PRIVS = 1, 4, 22, 24, 38
_MS_PRIVATE, _MS_BIND, _MS_REC = 1 << 18, 1 << 12, 1 << 14
_READ_ONLY = 0x1 | 0x2 | 0x4  # and neither setuid programs nor devices
_AT_FDCWD, _AT_RECURSIVE, _MNT_DETACH = -100, 0x8000, 2
_CAPABILITY_VERSION = 0x2008_0522

_CALLS: dict[str, dict[str, int]] = {
    "x86_64": {"mount_setattr": 442, "pivot_root": 155, "capset": 126, "landlock": 444},
    "aarch64": {"mount_setattr": 442, "pivot_root": 41, "capset": 91, "landlock": 444},
}
_AUDIT_ARCH = {"x86_64": 0xC000_003E, "aarch64": 0xC000_00B7}
_CLONE = {"x86_64": 56, "aarch64": 220}
_CLONE_THREAD = 0x0001_0000
_EXECVE = {"x86_64": 59, "aarch64": 221}
_REFUSED: dict[str, tuple[int, ...]] = {
    "x86_64": (
        41, 42, 43, 49, 50, 288,                         # socket, connect, accept, bind, listen, accept4
        57, 58, 322,                                     # fork, vfork, execveat
        62, 200, 234, 129, 297, 424, 434, 438,           # kill, tkill, tgkill, sigqueueinfo, pidfd_*
        101, 310, 311, 312,                              # ptrace, process_vm_*, kcmp
        272, 308, 165, 166, 155, 161, 428, 429, 430, 431, 432, 433, 442,  # namespaces and mounts
        105, 106, 113, 114, 116, 117, 119, 122, 123, 126,  # set*id, setgroups, capset
        248, 249, 250, 321, 298, 323, 425, 426, 427,     # keys, bpf, perf, userfaultfd, io_uring
        175, 176, 313, 246, 320, 169, 167, 168, 163, 179,  # modules, kexec, reboot, swap, acct, quota
        164, 227, 305, 159, 170, 171, 172, 173, 103, 153, 154,  # clocks, names, ports, log, tty, ldt
        303, 304, 135, 133, 259, 319, 447, 278, 300,     # handles, personality, mknod, memfd, vmsplice
        237, 238, 256, 279, 212,                         # memory policy, pages, cookies
    ),
    "aarch64": (
        198, 203, 202, 200, 201, 242, 281, 129, 130, 131, 138, 240, 424, 434, 438, 117, 270, 271, 272,
        97, 268, 40, 39, 41, 51, 428, 429, 430, 431, 432, 433, 442, 146, 144, 145, 143, 159, 147, 149,
        151, 152, 91, 217, 218, 219, 280, 241, 282, 425, 426, 427, 105, 106, 273, 104, 294, 142, 224,
        225, 89, 60, 170, 112, 266, 171, 161, 162, 116, 58, 264, 265, 92, 33, 279, 447, 75, 262, 235,
        237, 238, 239, 18,
    ),
}  # fmt: skip
"""System calls by number that answer EPERM: what the confined never need, and attacks begin with."""
_CLONE3 = 435  # its flags lie in memory a filter cannot see: ENOSYS makes libc use clone


class Report:
    """Which walls stand, and why others do not."""

    def __init__(self) -> None:
        self.stands: list[str] = []
        self.missing: dict[str, str] = {}

    def raising(self, *names: str) -> "_Raising":
        """Note that these walls stand once the block has ended, or what the kernel said."""
        return _Raising(self, names)


class _Raising:
    def __init__(self, report: Report, names: tuple[str, ...]) -> None:
        self._report = report
        self._names = names

    def __enter__(self) -> None:
        """Nothing stands yet."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        _: "TracebackType | None",
    ) -> bool:
        if isinstance(error, OSError):
            said = f"{error.filename or ''}: {error.strerror}".removeprefix(": ")
            self._report.missing[" ".join(self._names)] = said
            return True
        if kind is None:
            self._report.stands.extend(self._names)
        return False


def confine(readable: "Sequence[str]", memory: int, *, runs: bool = False) -> Report:
    """Shut this process in. With a process namespace of its own, it goes on as the child of a fork.

    Args:
        readable: Files and directories it may read, beside libraries of the system.
        memory: Bytes of address space.
        runs: Whether it becomes another program once it is shut in.

    Returns:
        What stands; what is refused raises nothing.
    """
    report = Report()
    _close_files()
    if sys.platform == "linux" and MACHINE in _CALLS:
        _confine(
            [path for path in (*LIBRARIES, *readable) if os.path.exists(path)], memory, runs, report
        )
    else:
        report.missing["namespaces"] = f"not on {sys.platform} {MACHINE}"
        _limit(memory, report)
    return report


def _confine(readable: "Sequence[str]", memory: int, runs: bool, report: Report) -> None:
    _prctl(_DUMPABLE, 1)  # who was another user before could not write its own maps
    with report.raising(*NAMESPACES):
        _own_namespaces()
    if "pid" in report.stands:
        _fork()
    if "mnt" in report.stands:
        with report.raising("root"):
            _own_root(readable)
    _limit(memory, report)
    with report.raising("no_new_privs"):
        _prctl(_NO_NEW_PRIVS, 1)
    with report.raising("landlock"):
        _landlock(readable)
    with report.raising("capabilities"):
        _drop_capabilities()
    with report.raising("seccomp"):
        _filter_calls(runs)


class _Libc:
    """The C library, with errors as exceptions."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(None, use_errno=True)

    def __call__(self, name: str, *arguments: object) -> int:
        """Call a function.

        Raises:
            OSError: It says so, with the name of the function.
        """
        function: Callable[..., int] = getattr(self._library, name)
        result = function(*arguments)
        if result < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), name)
        return result

    def system(self, name: str, *arguments: object) -> int:
        """Make a system call that the C library may have no function for."""
        try:
            return self("syscall", ctypes.c_long(_CALLS[MACHINE][name]), *arguments)
        except OSError as error:
            raise OSError(error.errno, error.strerror, name) from error


_libc = _Libc()


def _prctl(option: int, *arguments: int) -> None:
    values = [*arguments, 0, 0, 0, 0][:4]
    _libc("prctl", option, *map(ctypes.c_ulong, values))


def _close_files() -> None:
    """Close what was inherited beside the three standard streams."""
    os.closerange(3, min(resource.getrlimit(resource.RLIMIT_NOFILE)[0], 65_536))


def _own_namespaces() -> None:
    """Leave all that is shared; in there this is nobody, whoever it is outside."""
    user, group = os.getuid(), os.getgid()
    _libc("unshare", sum(NAMESPACES.values()))
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{_NOBODY} {user} 1"),
        ("gid_map", f"{_NOBODY} {group} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _fork() -> None:
    """Go on as the first process of the new namespace; whoever started us waits and ends with it."""
    child = os.fork()
    if child == 0:
        _prctl(_PDEATHSIG, _SIGKILL)
        return
    for stream in (1, 2):  # their ends are to be seen when the child is gone
        os.close(stream)
    try:
        _await_end(child)
    finally:
        _, status = os.waitpid(child, 0)
        os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _await_end(child: int) -> None:
    """Return when the child has ended; kill it when nobody writes to it any more and it goes on."""
    end = os.pidfd_open(child)
    watch = select.poll()
    watch.register(end, select.POLLIN)
    watch.register(0, 0)  # that the other end was closed is always told
    if end not in dict(watch.poll()):
        watch.unregister(0)
        watch.poll(_GRACE_MS)
        os.kill(child, _SIGKILL)


def _own_root(readable: "Sequence[str]") -> None:
    """Put an empty, read-only root in the place of the system's, with what may be read in it."""
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    sources = {path: os.open(path, os.O_PATH) for path in _outermost(readable)}
    base = next(place for place in _MOUNT_POINTS if os.path.isdir(place))
    _mount("tmpfs", base, "tmpfs", _READ_ONLY - 1, "size=1m,mode=755")
    for path, source in sources.items():
        target = base + path
        if os.path.isdir(f"/proc/self/fd/{source}"):
            os.makedirs(target, 0o755, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(target), 0o755, exist_ok=True)
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o444))
        _mount(f"/proc/self/fd/{source}", target, None, _MS_BIND | _MS_REC)
        os.close(source)
    os.chdir(base)
    _libc.system("pivot_root", b".", b".")
    _libc("umount2", b".", _MNT_DETACH)
    os.chdir("/")
    attributes = struct.pack("QQQQ", _READ_ONLY, 0, 0, 0)
    _libc.system(
        "mount_setattr",
        _AT_FDCWD,
        b"/",
        _AT_RECURSIVE,
        attributes,
        ctypes.c_size_t(len(attributes)),
    )


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    encoded = [text.encode() if text is not None else None for text in (source, target, kind)]
    _libc("mount", *encoded, ctypes.c_ulong(flags), data.encode())


def _outermost(paths: "Iterable[str]") -> list[str]:
    """Paths of which none lies in another."""
    kept: list[str] = []
    for path in sorted({os.path.abspath(path) for path in paths}):
        if not any(path.startswith(f"{other}/") for other in kept):
            kept.append(path)
    return kept


def _limit(memory: int, report: Report) -> None:
    """Set limits that cannot be raised again."""
    limits = {
        "memory": (resource.RLIMIT_AS, memory),
        "files": (resource.RLIMIT_NOFILE, 128),
        "file size": (resource.RLIMIT_FSIZE, 64 << 20),
        "core": (resource.RLIMIT_CORE, 0),
    }
    if (
        "user" in report.stands
    ):  # counted for the whole user otherwise, whose other processes it would starve
        limits["processes"] = (resource.RLIMIT_NPROC, 64)
    for name, (which, most) in limits.items():
        with report.raising(f"limit of {name}"):
            try:
                hard = resource.getrlimit(which)[1]
                allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
                resource.setrlimit(which, (allowed, allowed))
            except ValueError as error:
                raise OSError(1, str(error)) from error


def _landlock(readable: "Sequence[str]") -> None:
    """Allow nothing of the file system but reading these places; no TCP, no signals to others."""
    version = _libc.system("landlock", None, ctypes.c_size_t(0), 1)
    files = (1 << (13, 14, 15, 15, 16)[min(version, 5) - 1]) - 1
    parts = [files, *([0b11] if version >= 4 else ()), *([0b11] if version >= 6 else ())]
    rules = struct.pack(f"{len(parts)}Q", *parts)
    ruleset = _libc.system("landlock", rules, ctypes.c_size_t(len(rules)), 0)
    for path in readable:
        place = os.open(path, os.O_PATH)
        allowed = 0b1101 if os.path.isdir(path) else 0b0101
        _libc("syscall", ctypes.c_long(445), ruleset, 1, struct.pack("=Qi", allowed, place), 0)
        os.close(place)
    _libc("syscall", ctypes.c_long(446), ruleset, 0)
    os.close(ruleset)


def _drop_capabilities() -> None:
    for capability in range(64):
        try:
            _prctl(_DROP_BOUNDING, capability)
        except OSError:  # there are no more of them, or this one was not to be dropped
            continue
    head = struct.pack("Ii", _CAPABILITY_VERSION, 0)
    _libc.system("capset", head, b"\0" * 24)


def _filter_calls(runs: bool) -> None:
    """Refuse system calls: by default all are allowed, those of the list are not."""
    program = _program(MACHINE, runs)
    code = b"".join(struct.pack("HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    sock_fprog = struct.pack("HxxxxxxQ", len(program), ctypes.addressof(buffer))
    holder = ctypes.create_string_buffer(sock_fprog, len(sock_fprog))
    _prctl(_SECCOMP, 2, ctypes.addressof(holder))


def _program(machine: str, runs: bool) -> list[tuple[int, int, int, int]]:
    """The filter: lines of an operation, jumps if it holds and if not, and a value."""
    load, equal, at_least, any_bit, answer = 0x20, 0x15, 0x35, 0x45, 0x06
    refused = [*_REFUSED[machine], *(() if runs else (_EXECVE[machine],))]
    allow, refuse = (answer, 0, 0, 0x7FFF_0000), (answer, 0, 0, 0x0005_0001)
    absent, kill = (answer, 0, 0, 0x0005_0026), (answer, 0, 0, 0x8000_0000)
    body = [(equal, len(refused) - index, 0, number) for index, number in enumerate(refused)]
    return [
        (load, 0, 0, 4),                                       # which processor
        (equal, 1, 0, _AUDIT_ARCH[machine]),
        kill,
        (load, 0, 0, 0),                                       # which call
        (at_least, 0, 1, 0x4000_0000),                         # the other numbers of x32
        kill,
        (equal, len(body) + 5, 0, _CLONE3),
        (equal, 0, 2, _CLONE[machine]),
        (load, 0, 0, 16),                                      # its flags
        (any_bit, len(body), len(body) + 1, _CLONE_THREAD),
        *body,
        allow,
        refuse,
        absent,
    ]  # fmt: skip


def main(arguments: "Sequence[str]") -> None:
    """Shut this process in and become a program, or print what stands.

    Args:
        arguments: Bytes of memory, then the program with its arguments; none: only tell.
    """
    memory, *program = arguments
    report = confine(program[:1], int(memory), runs=True)
    if program:
        os.execv(program[0], program)  # noqa: S606 - the program the parent names
    sys.stdout.write("\n".join(told(report)))


def told(report: Report) -> "list[str]":
    """Say what stands and what is missing, a line each."""
    return [f"+ {name}" for name in report.stands] + [
        f"- {name}: {why}" for name, why in report.missing.items()
    ]


if __name__ == "__main__":
    main(sys.argv[1:])
