"""Writes small source trees and runs scripts/check on them."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import sys
import tempfile
import textwrap
import unittest
from typing import NamedTuple

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(TOP, "scripts")
sys.dont_write_bytecode = True
if SCRIPTS not in sys.path:
    sys.path.insert(0, SCRIPTS)


def _load_command():
    path = os.path.join(SCRIPTS, "check")
    loader = importlib.machinery.SourceFileLoader("scripts_check", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("scripts_check", loader))
    loader.exec_module(module)
    return module


_COMMAND = _load_command()

CLEAN = {"core/model/ring.h": "#pragma once\nnamespace henge {\nint Partitions();\n}  // namespace henge\n"}


class Verdict(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class TreeCase(unittest.TestCase):
    """A test that plants files in a temporary tree and looks at the verdict of the real command."""

    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.addCleanup(self._folder.cleanup)
        self.root = self._folder.name
        self.plant(CLEAN)

    def plant(self, files):
        for path, text in files.items():
            full = os.path.join(self.root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(text))

    def run_check(self):
        """What scripts/check says of the planted tree; the same function that the command runs."""
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            status = _COMMAND.main(["check", self.root])
        return Verdict(status, out.getvalue(), errors.getvalue())

    def assert_clean(self, files=None):
        self.plant(files or {})
        result = self.run_check()
        self.assertEqual(result.returncode, 0, result.stdout)
        self.assertEqual(result.stdout, "")

    def assert_caught(self, path, text, rule, *words, line=None):
        """`text` planted at `path` fails the check with `rule`, at `line`, in words that name the replacement."""
        self.assert_clean()
        self.plant({path: text})
        result = self.run_check()
        self.assertEqual(result.returncode, 1, f"not caught: {text}\n{result.stdout}")
        rows = [row for row in result.stdout.splitlines() if f"[{rule}]" in row]
        self.assertTrue(rows, f"no [{rule}] in:\n{result.stdout}")
        self.assertTrue(rows[0].startswith(f"{path}:{line or ''}"), rows[0])
        for word in words:
            self.assertIn(word, rows[0])
        os.remove(os.path.join(self.root, path))
        self.assert_clean()
