"""A header that needs another to be included before it is caught."""

import json
import os
import subprocess
import sys
import unittest

from support import SCRIPTS, TreeCase

from checks import headers, tree


class HeadersTest(TreeCase):
    def setUp(self):
        super().setUp()
        self.build = os.path.join(self.root, "build")
        os.makedirs(self.build)
        self.compile("x.cc")

    def compile(self, *paths):
        """Plants the commands of a build that compiles `paths`."""
        compiler = os.environ.get("CXX", "c++")
        entries = [{"directory": self.root, "file": os.path.join(self.root, path),
                    "command": f"{compiler} -I{self.root} -o x.o -c {path}"} for path in paths]
        with open(os.path.join(self.build, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump(entries, file)

    def check(self):
        return headers.check(self.root, self.build, tree.load(self.root), jobs=2)

    def test_a_header_that_leans_on_another_is_caught(self):
        self.plant({"storage/leans.h": "#pragma once\ninline std::string Name() { return {}; }\n"})
        findings, _, _ = self.check()
        self.assertEqual([f.path for f in findings], ["storage/leans.h"])
        self.assertIn("Include what it uses", findings[0].message)
        self.plant({"storage/leans.h": "#pragma once\n#include <string>\ninline std::string Name() { return {}; }\n"})
        self.assertEqual(self.check()[0], [])

    def test_only_what_changed_is_compiled_again(self):
        self.plant({"storage/a.h": "#pragma once\nstruct A {};\n", "storage/b.h": '#pragma once\n#include "storage/a.h"\n'})
        self.assertEqual(self.check()[1:], (3, 3))
        self.assertEqual(self.check()[1:], (0, 3))
        self.plant({"storage/a.h": "#pragma once\nstruct A { int x; };\n"})
        self.assertEqual(self.check()[1:], (2, 3))

    def test_what_tidy_proves_is_not_compiled_again(self):
        proved = {"storage/a.h": "#pragma once\n", "storage/a.cc": '#include "storage/a.h"\n'}
        not_first = {"storage/b.h": "#pragma once\n", "storage/b.cc": '#include <map>\n#include "storage/b.h"\n'}
        alone = {"storage/c.h": "#pragma once\n"}
        not_tidied = {"tests/d.h": "#pragma once\n", "tests/d.cc": '#include "tests/d.h"\n'}
        self.plant({**proved, **not_first, **alone, **not_tidied})
        self.assertEqual(self.check()[1:], (4, 5))  # all but a.h; the clean tree has one more

    def test_a_build_that_is_not_configured_is_refused(self):
        result = subprocess.run([sys.executable, os.path.join(SCRIPTS, "check_headers"), self.root], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("scripts/build", result.stderr)


if __name__ == "__main__":
    unittest.main()
