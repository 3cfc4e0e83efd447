"""Iteration over unordered containers above the seams: their order differs from run to run and must not escape."""

import re

from .tree import Finding, in_any

BELOW_SEAMS = ("node/real/", "node/grpc/", "client/", "cli/")
TESTS_THAT_MUST_REPEAT = ("tests/sim/",)
MARKER = re.compile(r"//\s*order-free:\s*\S")

_TYPE = re.compile(r"\b(?:std::unordered_(?:multi)?(?:map|set)|absl::(?:flat|node)_hash_(?:map|set))\s*<")
_ALIAS = re.compile(r"\busing\s+(\w+)\s*=\s*$")
_FOR = re.compile(r"\bfor\s*(?:co_await\s*)?\(")


def _angle_end(code, open_at):
    depth = 0
    for i in range(open_at, len(code)):
        if code[i] == "<":
            depth += 1
        elif code[i] == ">" and code[i - 1] != "-":
            depth -= 1
            if depth == 0:
                return i + 1
        elif code[i] == ";":
            return i
    return len(code)


def _declared_after(code, at):
    match = re.compile(r"[\s&*]*(?:const\s*)?[\s&*]*(\w+)\s*(ABSL_GUARDED_BY)?[\s({;=,)]").match(code, at)
    return match.group(1) if match else None


def unordered_names(code):
    """Names of variables and accessors declared with an unordered container, aliases followed."""
    names, aliases = set(), set()
    for match in _TYPE.finditer(code):
        alias = _ALIAS.search(code[:match.start()])
        if alias:
            aliases.add(alias.group(1))
            continue
        name = _declared_after(code, _angle_end(code, match.end() - 1))
        if name:
            names.add(name)
    for alias in aliases:
        for match in re.finditer(rf"\b{alias}\b", code):
            name = _declared_after(code, match.end())
            if name:
                names.add(name)
    return names


def _range_of(code, open_at):
    """The range expression of the for statement whose parenthesis opens at `open_at`, or None if it has none."""
    depth, colon = 0, None
    for i in range(open_at, len(code)):
        if code[i] in "([{":
            depth += 1
        elif code[i] in ")]}":
            depth -= 1
            if depth == 0:
                return code[colon + 1:i] if colon is not None else None
        elif code[i] == ";" and depth == 1:
            return None
        elif code[i] == ":" and depth == 1 and code[i + 1] != ":" and code[i - 1] != ":" and colon is None:
            colon = i
    return None


def _last_name(expression):
    match = re.search(r"(\w+)\s*(?:\(\s*\))?\s*$", expression.strip().rstrip(")") if "(" not in expression
                      else expression.strip())
    return match.group(1) if match else None


def _iterations(code, names):
    for match in _FOR.finditer(code):
        expression = _range_of(code, match.end() - 1)
        if expression is not None and _last_name(expression) in names:
            yield match.start(), _last_name(expression)
    for name in names:
        for match in re.finditer(rf"\b{name}\s*(?:\(\s*\))?\s*(?:\.|->)\s*c?begin\s*\(", code):
            yield match.start(), name


def _marked(source, line):
    lines = source.lines
    return any(MARKER.search(lines[i]) for i in (line - 1, line - 2) if 0 <= i < len(lines))


def _applies(path):
    if in_any(path, BELOW_SEAMS):
        return False
    return not path.startswith("tests/") or in_any(path, TESTS_THAT_MUST_REPEAT)


def check(sources):
    for source in sources.values():
        if not _applies(source.path):
            continue
        names = unordered_names(source.code)
        stem = source.path.rsplit(".", 1)[0]
        if not source.is_header and stem + ".h" in sources:
            names |= unordered_names(sources[stem + ".h"].code)
        for offset, name in _iterations(source.code, names):
            line = source.line_of(offset)
            if not _marked(source, line):
                yield Finding(source.path, line, "unordered",
                              f"iteration over the unordered '{name}': use absl::btree_map or sort first instead; if the "
                              "order provably can't escape, say why in '// order-free: reason' on the line before")
