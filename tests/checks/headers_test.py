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
        command = f"{os.environ.get('HENGE_CXX', 'c++')} -I{self.root} -o x.o -c x.cc"
        with open(os.path.join(self.build, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump([{"directory": self.root, "file": "x.cc", "command": command}], file)

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

    def test_a_build_that_is_not_configured_is_refused(self):
        result = subprocess.run([sys.executable, os.path.join(SCRIPTS, "check_headers"), self.root], capture_output=True,
                                text=True, check=False)
        self.assertEqual(result.returncode, 2)
        self.assertIn("scripts/build", result.stderr)


if __name__ == "__main__":
    unittest.main()
