"""Reads the source tree and gives each check the same view of it: raw text, and code without comments and literals."""

import dataclasses
import os
import re

SOURCE_FOLDERS = ("core", "storage", "coordinator", "node", "client", "cli", "tests", "bench")
CPP_SUFFIXES = (".h", ".cc")


@dataclasses.dataclass(frozen=True)
class Finding:
    """One violation. `message` says what is wrong and names what to use instead."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


@dataclasses.dataclass(frozen=True)
class Source:
    """One C++ file. `code` has the same length and line breaks as `text`; comments and literals are blanked in it."""

    path: str
    text: str
    code: str

    @property
    def is_header(self):
        return self.path.endswith(".h")

    @property
    def lines(self):
        return self.text.split("\n")

    def line_of(self, offset):
        return self.text.count("\n", 0, offset) + 1

    def includes(self):
        """Yields (line, spelling, is_angled) for each #include."""
        for number, line in enumerate(self.lines, 1):
            match = _INCLUDE.match(line)
            if match:
                yield number, match.group(2), match.group(1) == "<"


_INCLUDE = re.compile(r'\s*#\s*include\s*([<"])([^>"]+)[>"]')
_RAW_STRING = re.compile(r'R"([^()\\\s]{0,16})\(')


def _blank(text):
    return re.sub(r"[^\n]", " ", text)


def _literal_end(text, start, quote):
    i = start + 1
    while i < len(text) and text[i] != quote and text[i] != "\n":
        i += 2 if text[i] == "\\" else 1
    return min(i + 1, len(text))


def _token_end(text, i):
    """The end of the comment or literal that begins at i, or None."""
    if text.startswith("//", i):
        end = text.find("\n", i)
        return len(text) if end < 0 else end
    if text.startswith("/*", i):
        end = text.find("*/", i + 2)
        return len(text) if end < 0 else end + 2
    raw = _RAW_STRING.match(text, i)
    if raw and not (i and (text[i - 1].isalnum() or text[i - 1] == "_")):
        end = text.find(f'){raw.group(1)}"', raw.end())
        return len(text) if end < 0 else end + len(raw.group(1)) + 2
    if text[i] == '"':
        return _literal_end(text, i, '"')
    # An apostrophe after a digit or letter separates digits (1'000).
    if text[i] == "'" and not (i and (text[i - 1].isalnum() or text[i - 1] == "_")):
        return _literal_end(text, i, "'")
    return None


def strip_comments_and_literals(text):
    """`text` with every comment, string and character literal replaced by spaces."""
    out = []
    i = 0
    while i < len(text):
        end = _token_end(text, i) if text[i] in "/\"'R" else None
        if end is None:
            out.append(text[i])
            i += 1
        else:
            out.append(_blank(text[i:end]))
            i = end
    return "".join(out)


def make_source(path, text):
    return Source(path, text, strip_comments_and_literals(text))


def _walk(root, folders, suffixes):
    for folder in folders:
        for base, dirs, names in os.walk(os.path.join(root, folder)):
            dirs.sort()
            for name in sorted(names):
                if name.endswith(suffixes):
                    yield os.path.relpath(os.path.join(base, name), root)


def load(root):
    """Every C++ file of the project under `root`, by path."""
    sources = {}
    for path in _walk(root, SOURCE_FOLDERS, CPP_SUFFIXES):
        with open(os.path.join(root, path), encoding="utf-8") as file:
            sources[path] = make_source(path, file.read())
    return sources


def in_any(path, prefixes):
    """Whether `path` is one of the prefixes, or lies in one that ends with a slash."""
    return any(path == p or (p.endswith("/") and path.startswith(p)) for p in prefixes)


def match_brace(code, open_at):
    """The offset of the brace that closes the one at `open_at`, or the end of the text."""
    depth = 0
    for i in range(open_at, len(code)):
        if code[i] == "{":
            depth += 1
        elif code[i] == "}":
            depth -= 1
            if depth == 0:
                return i
    return len(code)
