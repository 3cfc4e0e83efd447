"""File and function sizes, as a ratchet: what is too long today stands in a visible list and may not grow."""

import os
import re

from .tree import Finding

FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
ALLOW_LIST = "scripts/checks/size_allowlist.txt"

_NOT_A_FUNCTION = re.compile(r"(^|[^\w])(namespace|class|struct|union|enum|extern|concept)\b(?!.*\)\s*(const|noexcept|override|final)?\s*$)")
_SCOPE = re.compile(r"(^|[^\w])(namespace|class|struct|union|extern)\b")


def _name_of(head):
    match = re.search(r"([~\w:]+(?:\s*operator\s*[^\s(]+)?|operator\s*\S+?)\s*\(", head)
    return match.group(1).strip(":") if match else "?"


def _is_scope(head):
    return bool(_SCOPE.search(head.split("(")[0])) or (bool(_SCOPE.search(head)) and "(" not in head)


def functions(code):
    """Yields (name, first_line, line_count) of every function body at namespace or class scope."""
    i, head_start, pending = 0, 0, None
    while i < len(code):
        char = code[i]
        if char == "#" and not code[:i].rpartition("\n")[2].strip():
            i = _line_end(code, i)
            head_start = i
        elif char in ";}":
            head_start, pending = i + 1, None
        elif char == "{":
            head = code[head_start:i]
            if _is_scope(head) or not head.strip():
                head_start = i + 1
            else:
                end = _close(code, i)
                after = code[end + 1:].lstrip()[:1]
                if "(" in head and after not in (",", "{"):
                    start = head_start + len(head) - len(head.lstrip())
                    yield (_name_of(_without_template(head)), code.count("\n", 0, start) + 1,
                           code.count("\n", start, end) + 1)
                if after not in (",", "{"):
                    head_start = end + 1
                i = end
        i += 1


def _without_template(head):
    return re.sub(r"\btemplate\s*<[^{}]*?>\s*(?=[\w\[])", "", head)


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
