"""What /proc says about a process."""

import os
import time

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGESIZE")


def cpu_s(pid):
    """Seconds of CPU, user and system, of all its threads so far."""
    fields = _stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / _TICK


def resident_bytes(pid):
    return int(_stat_fields(pid)[21]) * _PAGE


def peak_resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        for line in file:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return None


def threads(pid):
    return len(os.listdir(f"/proc/{pid}/task"))


def cpu_shares(pids, seconds):
    """Shares of one core that each process uses over a while."""
    begun, before = time.monotonic(), [cpu_s(pid) for pid in pids]
    time.sleep(seconds)
    passed = time.monotonic() - begun
    return [(cpu_s(pid) - b) / passed for pid, b in zip(pids, before)]


def _stat_fields(pid):
    """The fields of /proc/PID/stat after the command's name, which may hold anything."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
        return file.read().rpartition(")")[2].split()
