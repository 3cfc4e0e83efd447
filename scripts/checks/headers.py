"""Every header compiles alone: whoever includes it need not know what to include before it.

A header that its own .cc includes first is proved by scripts/tidy, which compiles each source alone; the build has precompiled
headers, and proves nothing. The others are compiled here; results are kept by content under BUILD/headers-ok, so that only a
header whose own text or includes changed is compiled again.
"""

import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess

from .includes import resolve
from .tree import Finding

_KEPT_FLAGS = ("-I", "-isystem", "-D", "-W")
_NOT_TIDIED = "tests/"


def read_commands(build):
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        return json.load(file)


def compile_flags(entries):
    """The union of include paths, definitions and warnings of all translation units, and the compiler."""
    compiler, flags = None, []
    for entry in entries:
        words = shlex.split(entry["command"])
        compiler = compiler or next(w for w in words if w.endswith(("c++", "g++", "clang++")))
        for i, word in enumerate(words):
            if not word.startswith(_KEPT_FLAGS) or ".dir/" in word or word == "-Winvalid-pch":
                continue
            flag = (word, words[i + 1]) if word in _KEPT_FLAGS else (word,)
            if flag not in flags:
                flags.append(flag)
    return compiler, [word for flag in flags for word in flag]


def _proved_by_tidy(path, sources):
    own = sources.get(path[:-2] + ".cc")
    if own is None or path.startswith(_NOT_TIDIED):
        return False
    first = next(own.includes(), None)
    return first is not None and resolve(first[1], sources) == path


def _closure(path, sources):
    seen, todo = set(), [path]
    while todo:
        current = todo.pop()
        if current in seen or current not in sources:
            continue
        seen.add(current)
        todo += [t for t in (resolve(s, sources) for _, s, _ in sources[current].includes()) if t]
    return sorted(seen)


def _digest(path, sources, command):
    digest = hashlib.sha256("\0".join(command).encode())
    for part in _closure(path, sources):
        digest.update(part.encode() + b"\0" + sources[part].text.encode())
    return digest.hexdigest()


def _compile(root, path, command):
    return subprocess.run([*command, path], cwd=root, capture_output=True, text=True, check=False)


def check(root, build, sources, jobs):
    """(findings for the headers that don't compile alone, how many were compiled, how many there are)."""
    entries = read_commands(build)
    compiler, flags = compile_flags(entries)
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Werror", *flags, "-x", "c++", "/dev/null", "-include"]
    stamps = os.path.join(build, "headers-ok")
    os.makedirs(stamps, exist_ok=True)
    headers = {p: os.path.join(stamps, _digest(p, sources, command)) for p, s in sources.items()
               if s.is_header and not _proved_by_tidy(p, sources)}
    todo = [p for p, stamp in headers.items() if not os.path.exists(stamp)]
    findings = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for path, result in zip(todo, pool.map(lambda p: _compile(root, p, command), todo)):
            if result.returncode == 0:
                with open(headers[path], "w", encoding="utf-8"):
                    continue
            errors = [line for line in result.stderr.splitlines() if "error" in line] or [result.stderr.strip()]
            findings.append(Finding(path, 1, "self-contained",
                                    f"does not compile alone: {errors[0]}. Include what it uses"))
    return findings, len(todo), sum(s.is_header for s in sources.values())
