"""File and function sizes, as a ratchet: what is too long today stands in a visible list and may not grow."""

import os
import re

from .tree import Finding

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
ALLOW_LIST = "scripts/checks/size_allowlist.txt"

_SCOPE = re.compile(r"(^|[^\w])(namespace|class|struct|union|extern)\b")


def _name_of(head):
    match = re.search(r"((?:\w+::)*operator\s*(?:\(\)|[^\s(]+)|[~\w:]+)\s*\(", head)
    return match.group(1).strip(":") if match else "?"


def _is_scope(head):
    """Whether a brace after `head` opens a namespace or a class: `class A : B<int()>` does, `struct A Make()` does not."""
    match = _SCOPE.search(head)
    return bool(match) and "(" not in head[:match.start()] and not re.search(r"\)\s*(const|noexcept|override)?\s*$", head)


def _without_prefix(head):
    """The declaration without a template header or the access specifier before it."""
    return re.sub(r"\btemplate\s*<[^{}]*?>\s*(?=[\w\[])|\b(public|private|protected)\s*:(?!:)", _same_length, head)


def _same_length(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def functions(code):
    """Yields (name, first_line, line_count) of every function body at namespace or class scope."""
    i, head_start = 0, 0
    while i < len(code):
        char = code[i]
        if char == "#" and not code[:i].rpartition("\n")[2].strip():
            i = _line_end(code, i)
            head_start = i
        elif char in ";}":
            head_start = i + 1
        elif char == "{":
            head = _without_prefix(code[head_start:i])
            if _is_scope(head) or not head.strip():
                head_start = i + 1
            else:
                end = _close(code, i)
                after = code[end + 1:].lstrip()[:1]
                if "(" in head and after not in (",", "{"):
                    start = head_start + len(head) - len(head.lstrip())
                    yield (_name_of(head), code.count("\n", 0, start) + 1,
                           code.count("\n", start, end) + 1)
                if after not in (",", "{"):
                    head_start = end + 1
                i = end
        i += 1


def _line_end(code, i):
    while True:
        end = code.find("\n", i)
        if end < 0:
            return len(code)
        if code[end - 1] != "\\":
            return end
        i = end + 1


def _close(code, open_at):
    depth = 0
    for i in range(open_at, len(code)):
        depth += (code[i] == "{") - (code[i] == "}")
        if depth == 0:
            return i
    return len(code) - 1


def read_allow_list(root):
    """{("file", path) or ("function", path, name): lines allowed}. Lines: `file PATH LINES`, `function PATH NAME LINES`."""
    allowed = {}
    path = os.path.join(root, ALLOW_LIST)
    if not os.path.exists(path):
        return allowed
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = line.split("#")[0].split()
            if words:
                allowed[tuple(words[:-1])] = int(words[-1])
    return allowed


def _judge(key, size, limit, allowed, unused):
    """The complaint about something `size` lines long, or None."""
    bound = allowed.get(key)
    if size <= limit:
        return None
    unused.discard(key)
    if bound is None:
        return f"{size} lines, at most {limit}: split it by idea"
    if size > bound:
        return f"{size} lines, it grew past the {bound} that {ALLOW_LIST} allows it: split it instead"
    return None


def check(sources, root="."):
    allowed = read_allow_list(root)
    unused = set(allowed)
    for source in sources.values():
        lines = len(source.text.rstrip("\n").split("\n"))
        complaint = _judge(("file", source.path), lines, FILE_LINES_MAX, allowed, unused)
        if complaint:
            yield Finding(source.path, 1, "file-size", complaint)
        for name, line, size in functions(source.code):
            complaint = _judge(("function", source.path, name), size, FUNCTION_LINES_MAX, allowed, unused)
            if complaint:
                yield Finding(source.path, line, "function-size", f"{name}: {complaint}")
    for key in sorted(unused):
        yield Finding(ALLOW_LIST, 1, "stale-allowance", f"'{' '.join(key)}' is short enough now: remove its line")
