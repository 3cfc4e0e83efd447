#!/usr/bin/env python3
"""The demo's data, and how a node dies in the middle of it.

  demo_data.py packages [STATUS_FILE]            the package database as JSON lines: key = package name, value = stanza
  demo_data.py copies FILE COUNT KILL_PID COPY   FILE's records under new keys, COUNT at least, to standard output and
                                                 the file COPY; sends SIGKILL to KILL_PID half way
"""

import base64
import json
import os
import signal
import sys

DPKG_STATUS = "/var/lib/dpkg/status"


def record_line(key, value):
    return json.dumps({"key": key, "value_b64": base64.b64encode(value).decode()}) + "\n"


def packages(path=DPKG_STATUS):
    seen = set()
    with open(path, "rb") as file:
        stanzas = file.read().strip(b"\n").split(b"\n\n")
    for stanza in stanzas:
        fields = dict(line.split(b": ", 1) for line in stanza.split(b"\n") if b": " in line and line[:1] not in b" \t")
        key = fields[b"Package"].decode()
        if key in seen:  # the same package for a second architecture
            key += ":" + fields[b"Architecture"].decode()
        seen.add(key)
        sys.stdout.write(record_line(key, stanza + b"\n"))


def read_records(path):
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return [(row["key"], base64.b64decode(row["value_b64"])) for row in rows]


def copies(path, count, victim, copy_path):
    records = read_records(path)
    rounds = -(-int(count) // len(records))
    total = rounds * len(records)
    with open(copy_path, "w", encoding="utf-8") as copy:
        for written in range(total):
            if written == total // 2:
                sys.stdout.flush()
                os.kill(int(victim), signal.SIGKILL)
                print(f"   SIGKILL after record {written} of {total}", file=sys.stderr)
            key, value = records[written % len(records)]
            line = record_line(f"copy-{written // len(records) + 1}/{key}", value)
            sys.stdout.write(line)
            copy.write(line)


def main(argv):
    commands = {"packages": packages, "copies": copies}
    if len(argv) < 2 or argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    commands[argv[1]](*argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
