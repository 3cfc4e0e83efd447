"""Child processes and scratch folders that go away with the script, however it ends."""

import contextlib
import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


class Failure(Exception):
    """Ends the script with a message and status 1."""


class Usage(Failure):
    """Ends the script with a message and status 2."""


def need_program(program, package):
    """The path of an installed program."""
    path = shutil.which(program) or shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin")
    if not path:
        raise Failure(f"{program} is missing: it is in the Debian package {package}; run scripts/setup")
    return path


def need_binary(name, build):
    path = os.path.abspath(os.path.join(build, "bin", name))
    if not os.access(path, os.X_OK):
        raise Failure(f"{path} is missing: run scripts/build first")
    return path


def environment():
    """The script's own, without settings of Henge that would change what is measured."""
    return {name: value for name, value in os.environ.items() if not name.startswith("HENGE_")}


def _die_with_parent():
    """In the child: the kernel ends it should the script be killed before it can clean up."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None, use_errno=True).prctl(pr_set_pdeathsig, signal.SIGKILL)
    os.setsid()


def _spawn(command, **settings):
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_parent, env=environment(),
                            **settings)


class Processes:
    """Children that run until stop(). Each has a log file; its end is what a failure shows."""

    def __init__(self):
        self._children = []

    def start(self, command, log, cwd=None):
        with open(log, "ab") as output:
            child = _spawn(command, stdout=output, stderr=subprocess.STDOUT, cwd=cwd)
        child.log = log
        self._children.append(child)
        return child

    def check(self):
        for child in self._children:
            status = child.poll()
            if status is not None:
                raise Failure(f"{' '.join(child.args[:1])} ended with status {status}:\n{tail(child.log)}")

    def forget(self, child):
        """Waits for the end of a child that somebody killed; check() doesn't miss it."""
        child.wait()
        self._children.remove(child)

    def stop(self, grace_s=15.0):
        for child in self._children:
            if child.poll() is None:
                child.terminate()
        deadline = time.monotonic() + grace_s
        for child in self._children:
            try:
                child.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self._children.clear()


def tail(path, lines=15):
    with contextlib.suppress(OSError), open(path, encoding="utf-8", errors="replace") as file:
        return "".join(f"  {line}" for line in file.readlines()[-lines:]).rstrip()
    return "  (no output)"


def run_to_end(command, processes, timeout_s):
    """Runs a command to its end and returns its stdout; its stderr is shown. If it fails, the nodes are checked."""
    child = _spawn(command, stdout=subprocess.PIPE, text=True)
    try:
        output, _ = child.communicate(timeout=timeout_s)
    except BaseException:
        child.kill()
        child.wait()
        raise
    if child.returncode != 0:
        processes.check()
        raise Failure(f"{' '.join(command)}\n  ended with status {child.returncode}")
    return output


class Load:
    """A load generator that runs beside the script and announces its phases on stderr."""

    def __init__(self, command):
        self._child = _spawn(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    @property
    def pid(self):
        return self._child.pid

    def await_line(self, wanted):
        seen = []
        for line in self._child.stderr:
            seen.append(line)
            if line.strip() == wanted:
                return
        raise Failure(f"the load ended before its phase '{wanted}':\n{''.join(seen)}")

    def finish(self, timeout_s):
        """Waits for its end and returns its stdout."""
        output, errors = self._child.communicate(timeout=timeout_s)
        if self._child.returncode != 0:
            raise Failure(f"the load ended with status {self._child.returncode}:\n{errors}")
        return output

    def stop(self):
        if self._child.poll() is None:
            self._child.kill()
            self._child.communicate()


def free_ports(count):
    """Ports of the loopback interface that nobody uses now, below the range of outgoing connections."""
    found = []
    candidates = list(range(21000, 32000))
    start = (os.getpid() * 37) % len(candidates)
    for port in candidates[start:] + candidates[:start]:
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == count:
            return found
    raise Failure("no free ports on 127.0.0.1")


def wait_until(ready, processes, what, timeout_s=30.0):
    deadline = time.monotonic() + timeout_s
    while not ready():
        if processes is not None:
            processes.check()
        if time.monotonic() > deadline:
            raise Failure(f"{what} was not ready within {timeout_s:.0f} s")
        time.sleep(0.05)


def settle(seconds):
    """Lets running processes go on alone for a while."""
    time.sleep(seconds)


def _file_system(path):
    """The type of the file system that holds `path`."""
    best, kind = "", "?"
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for line in mounts:
            _, mount, this_kind = line.split()[:3]
            if (path == mount or path.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best):
                best, kind = mount, this_kind
    return kind


@contextlib.contextmanager
def scratch_folder(name):
    """A folder on a real disk, in $TMPDIR or else the current directory; it is gone afterwards."""
    base = os.path.realpath(os.environ.get("TMPDIR") or os.getcwd())
    kind = _file_system(base)
    if kind in ("tmpfs", "ramfs"):
        raise Failure(f"{base} lies in memory ({kind}), where a sync costs nothing: set TMPDIR to a folder on a disk")
    path = tempfile.mkdtemp(prefix=f".{name}-", dir=base)
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def sync_probe_us(folder, count=200):
    """The median time of an append of 4 KiB with fdatasync: what the disk gives to whoever wants durability."""
    times = []
    path = os.path.join(folder, "sync-probe")
    file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
    try:
        for _ in range(count):
            begun = time.perf_counter()
            os.write(file, b"x" * 4096)
            os.fdatasync(file)
            times.append(time.perf_counter() - begun)
    finally:
        os.close(file)
        os.unlink(path)
    return sorted(times)[count // 2] * 1e6


def _interrupt(signum, frame):
    raise KeyboardInterrupt


def main(script, body):
    """Runs `body` and turns its end into an exit status. SIGTERM and SIGHUP clean up as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _interrupt)
    signal.signal(signal.SIGHUP, _interrupt)
    try:
        return body() or 0
    except Failure as failure:
        print(f"{script}: {failure}", file=sys.stderr)
        return 2 if isinstance(failure, Usage) else 1
    except KeyboardInterrupt:
        print(f"\n{script}: interrupted, cleaned up", file=sys.stderr)
        return 130
