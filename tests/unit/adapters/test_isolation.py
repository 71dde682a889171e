"""What the walls around a child keep in, tried from inside, also as a user without any rights."""

import asyncio
import errno
import json
import subprocess
import sys
from pathlib import Path

import pytest

from app.adapters.process import confinement, isolation, sandbox
from app.adapters.process.blocking import BlockingPool
from app.cli import doctor
from app.kernel.settings import Settings
from tests.unit.adapters.test_blocking import (
    BLOCKS,
    children_of,
    gone,
    processes_of_others,
    started,
)

__all__ = ["processes_of_others"]

ROOT = Path(__file__).resolve().parents[3]
LIMITS = ("limit of memory", "limit of files", "limit of file size", "limit of core")
ALL = {
    *isolation.NAMESPACES, *LIMITS, "limit of processes", "root", "no_new_privs", "landlock",
    "capabilities", "seccomp",
}  # fmt: skip

PROGRAM = """
import ctypes, json, os, resource, signal, socket, sys, threading
from app.adapters.process import isolation

def what(attempt):
    try:
        attempt()
    except BaseException as error:
        return type(error).__name__
    return "done"

def fork():
    if os.fork() == 0:
        os._exit(0)

def listen():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))

def thread():
    one = threading.Thread(target=int)
    one.start()
    one.join()

def unshare():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x20000):
        raise OSError(ctypes.get_errno(), "unshare")

def grow():
    bytearray(3 << 30)

secret, place, parent = sys.argv[1], sys.argv[2], os.getpid()
ATTEMPTS = {
    "read a file of ours": lambda: open(secret).read(),
    "read the list of users": lambda: open("/etc/passwd").read(),
    "look around": lambda: os.listdir("/"),
    "write a file": lambda: open(place, "w").write("x"),
    "see processes": lambda: os.listdir("/proc"),
    "signal another process": lambda: os.kill(parent, 0),
    "open a socket": listen,
    "start a process": fork,
    "become another program": lambda: os.execv("/nonexistent", ["x"]),
    "have namespaces": unshare,
    "raise a limit": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)),
    "take all memory": grow,
}
if os.getuid() == 0:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)
before = {name: what(attempt) for name, attempt in ATTEMPTS.items() if name not in ("become another program", "have namespaces")}
report = isolation.confine([], 1 << 30)
numbers = isolation._REFUSED[isolation.MACHINE]
libc = ctypes.CDLL(None, use_errno=True)
answers = []
for number in numbers:
    ctypes.set_errno(0)
    libc.syscall(ctypes.c_long(number), -1, -1, -1, -1, -1, -1)
    answers.append(ctypes.get_errno())
print(json.dumps({
    "before": before,
    "stands": report.stands, "missing": report.missing,
    "after": {name: what(attempt) for name, attempt in ATTEMPTS.items()},
    "thread": what(thread),
    "pid": os.getpid(), "uid": os.getuid(), "refused": answers,
}))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What a process without rights could do before the walls stood, and after."""
    tmp = tmp_path_factory.mktemp("walls")
    for folder in (tmp, *tmp.parents[:3]):
        if folder != Path("/tmp"):
            folder.chmod(0o777)
    secret = tmp / "secret"
    secret.write_text("42")
    secret.chmod(0o644)
    done = subprocess.run(
        (sys.executable, "-c", PROGRAM, str(secret), str(tmp / "note")),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_all_walls_stand_around_an_unprivileged_process(found):
    assert found["missing"] == {}
    assert set(found["stands"]) == ALL
    assert (found["pid"], found["uid"]) == (1, 65534)


def test_without_them_it_could_do_all_this(found):
    assert set(found["before"].values()) == {"done"}


@pytest.mark.parametrize(
    "attempt",
    [
        "read a file of ours", "read the list of users", "look around", "write a file", "see processes",
        "signal another process", "open a socket", "start a process", "become another program",
        "have namespaces", "raise a limit", "take all memory",
    ],
)  # fmt: skip
def test_behind_them_it_cannot(found, attempt):
    assert found["after"][attempt] in {
        "FileNotFoundError", "PermissionError", "OSError", "MemoryError", "ValueError", "ProcessLookupError",
    }  # fmt: skip
    if attempt == "become another program":
        assert found["after"][attempt] == "PermissionError", "it is not even looked for"


def test_each_call_of_the_list_is_refused_and_threads_still_start(found):
    assert set(found["refused"]) == {errno.EPERM}
    assert found["thread"] == "done"


def status_of(pid):
    lines = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {name: value.strip() for name, _, value in lines}


def most(pid, what):
    line = next(
        line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if line.startswith(what)
    )  # fmt: skip
    return line.removeprefix(what).split()[1]


def assert_shut_in(pid, memory):
    spaces = Path("/proc/self/ns"), Path(f"/proc/{pid}/ns")
    for name in isolation.NAMESPACES:
        ours, its = (str((space / name).readlink()) for space in spaces)
        assert ours != its, name
    status = status_of(pid)
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd")} == {0}
    assert int(most(pid, "Max address space")) == memory
    assert [most(pid, f"Max {what}") for what in ("processes", "open files", "core file size")] == ["64", "128", "0"]  # fmt: skip
    names = {
        name.partition(b"=")[0] for name in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    }
    assert names <= {b"", b"PATH", b"LANG", b"TZ", b"PYTHONPATH", b"PWD", b"LC_CTYPE"}
    mounts = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
    assert all(line.split()[5].startswith("ro,") for line in mounts)
    assert not any(str(line.split()[4]) in ("/proc", "/dev", "/etc", "/tmp") for line in mounts)


async def test_a_worker_of_the_sandbox_is_shut_in():
    try:
        await sandbox.run_python("1", {})
        _, pid = started()
        assert_shut_in(pid, 1 << 30)
    finally:
        await sandbox.close()


async def test_a_child_for_blocking_work_is_shut_in(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "hidden")
    pool = BlockingPool(allowed=("tests.fakes.",))
    try:
        await pool.run(f"{BLOCKS}:whoami", {})
        _, pid = started()
        assert_shut_in(pid, 2 << 30)
        seen = await pool.run(f"{BLOCKS}:look", {"path": str(ROOT)})
        assert seen in (None, ["app", "tests"]), "the code, and nothing that lies beside it"
        assert await pool.run(f"{BLOCKS}:look", {"path": str(tmp_path)}) is None
    finally:
        await pool.close()


async def test_memory_of_a_child_is_bounded_and_the_next_call_goes_on():
    pool = BlockingPool(allowed=("tests.fakes.",))
    try:
        with pytest.raises(Exception, match="want of memory"):
            await pool.run(f"{BLOCKS}:grow", {"megabytes": 3_000})
        assert await pool.run(f"{BLOCKS}:double", {"value": 2}) == 4
    finally:
        await pool.close()


async def test_a_worker_that_cannot_be_shut_in_still_runs_programs_and_that_is_said(monkeypatch, caplog):  # fmt: skip
    monkeypatch.setattr(sandbox, "launcher", lambda program, memory: "/bin/false")
    try:
        assert (await sandbox.run_python("6 * 7", {})).value == 42
        assert "cannot be shut in" in caplog.text
    finally:
        await sandbox.close()


def test_the_line_of_doctor_names_the_walls():
    line = doctor.CHECKS["Isolation"](Settings())
    assert line == (
        "namespaces (user, pid, mnt, net, ipc, uts) + root + no_new_privs + landlock + capabilities + seccomp"
        " + limits (memory, files, file size, core, processes)"
    )
    partly = ["+ no_new_privs", "- user pid: unshare: Operation not permitted", "+ limit of memory"]
    assert confinement.shown(partly) == (
        "no_new_privs + limits (memory); missing: user pid: unshare: Operation not permitted"
    )
    assert "no child" in confinement.shown([])


async def test_no_worker_outlives_a_process_that_is_killed():
    program = (
        "import asyncio\nfrom app.adapters.process import sandbox\n"
        "asyncio.run(sandbox.run_python('while True: pass', {}, timeout_s=40))\n"
    )
    parent = await asyncio.create_subprocess_exec(sys.executable, "-c", program, cwd=ROOT)
    async with asyncio.timeout(30):
        while len(pids := children_of(parent.pid)) < 2:
            await asyncio.sleep(0.05)
    parent.kill()
    await parent.wait()
    for pid in pids:
        await gone(pid, 10)
