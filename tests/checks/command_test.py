"""The command itself: exit status, and no verdict over nothing."""

import os
import subprocess
import sys
import tempfile
import unittest

from support import SCRIPTS, TreeCase


def run(*arguments):
    return subprocess.run([sys.executable, os.path.join(SCRIPTS, "check"), *arguments], capture_output=True, text=True,
                          check=False)


class CommandTest(TreeCase):
    def test_exit_status_tells_clean_from_violated(self):
        self.assertEqual(run(self.root).returncode, 0)
        self.plant({"coordinator/planted.cc": "std::mutex mutex;\n"})
        result = run(self.root)
        self.assertEqual(result.returncode, 1)
        self.assertIn("coordinator/planted.cc:1: [lock]", result.stdout)
        self.assertIn("2 files, 1 violations", result.stderr)

    def test_a_tree_without_sources_is_an_error_not_a_pass(self):
        with tempfile.TemporaryDirectory() as empty:
            self.assertEqual(run(empty).returncode, 2)

    def test_unknown_arguments_are_refused(self):
        self.assertEqual(run("--fast").returncode, 2)


if __name__ == "__main__":
    unittest.main()
