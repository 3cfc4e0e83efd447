"""Writes small source trees and runs the project's checks on them, as scripts/check would."""

import os
import subprocess
import sys
import tempfile
import textwrap
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPTS = os.path.join(TOP, "scripts")
sys.dont_write_bytecode = True
if SCRIPTS not in sys.path:
    sys.path.insert(0, SCRIPTS)

CLEAN = {"core/model/ring.h": "#pragma once\nnamespace henge {\nint Partitions();\n}  // namespace henge\n"}


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
        return subprocess.run([sys.executable, os.path.join(SCRIPTS, "check"), self.root], capture_output=True, text=True,
                              check=False)

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
