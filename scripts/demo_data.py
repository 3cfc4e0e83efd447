#!/usr/bin/env python3
"""The demo's data and its comparisons.

  demo_data.py ports COUNT                       free loopback ports, one a line
  demo_data.py packages [STATUS_FILE]            the package database as JSON lines: key = package name, value = stanza
  demo_data.py copies FILE COUNT KILL_PID        FILE's records under new keys, COUNT at least; kills KILL_PID half way
  demo_data.py compare WANTED GOT                whether GOT has each record of WANTED, byte for byte, and nothing else
"""

import base64
import json
import os
import signal
import socket
import sys

DPKG_STATUS = "/var/lib/dpkg/status"


def ports(count):
    sockets = [socket.socket() for _ in range(int(count))]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    for one in sockets:
        print(one.getsockname()[1])


def write_record(key, value):
    sys.stdout.write(json.dumps({"key": key, "value_b64": base64.b64encode(value).decode()}) + "\n")


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
        write_record(key, stanza + b"\n")


def read_records(path):
    """{key: [values]} of a file of JSON lines."""
    records = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            key = base64.b64decode(row["key_b64"]) if "key_b64" in row else row["key"].encode()
            value = base64.b64decode(row["value_b64"]) if "value_b64" in row else row["value"].encode()
            records.setdefault(key, []).append(value)
    return records


def copies(path, count, victim):
    records = [(key.decode(), value) for key, values in read_records(path).items() for value in values]
    rounds = -(-int(count) // len(records))
    total, half = rounds * len(records), rounds * len(records) // 2
    written = 0
    for number in range(1, rounds + 1):
        for key, value in records:
            if written == half:
                sys.stdout.flush()
                os.kill(int(victim), signal.SIGKILL)
                print(f"   SIGKILL after record {half} of {total}", file=sys.stderr)
            write_record(f"copy-{number}/{key}", value)
            written += 1


def compare(wanted_path, got_path):
    wanted, got = read_records(wanted_path), read_records(got_path)
    wrong = [key for key, values in wanted.items() if got.get(key) != values]
    extra = [key for key in got if key not in wanted]
    if wrong or extra:
        example = (wrong or extra)[0].decode(errors="replace")
        sys.exit(f"demo: {len(wrong)} of {len(wanted)} records differ or are missing, {len(extra)} are not wanted: {example}")
    size = sum(len(v) for values in got.values() for v in values)
    print(f"   {len(got)} records, {size} bytes: equal", file=sys.stderr)


def main(argv):
    commands = {"ports": ports, "packages": packages, "copies": copies, "compare": compare}
    if len(argv) < 2 or argv[1] not in commands:
        print(__doc__, file=sys.stderr)
        return 2
    commands[argv[1]](*argv[2:])
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
