"""scripts/format and scripts/tidy catch what they should, with the flags that our own build uses."""

import importlib.machinery
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from support import SCRIPTS, TOP


def load_tidy():
    loader = importlib.machinery.SourceFileLoader("scripts_tidy", os.path.join(SCRIPTS, "tidy"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("scripts_tidy", loader))
    loader.exec_module(module)
    return module


def run(*command):
    return subprocess.run(command, cwd=TOP, capture_output=True, text=True, check=False)


@unittest.skipUnless(shutil.which("clang-format"), "clang-format is not installed")
class FormatTest(unittest.TestCase):
    def test_a_file_that_is_not_formatted_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "planted.cc")
            shutil.copy(os.path.join(TOP, ".clang-format"), folder)
            with open(path, "w", encoding="utf-8") as file:
                file.write("int   Two( ) {return 2 ;}\n")
            result = run("scripts/format", "--check", path)
            self.assertNotEqual(result.returncode, 0)
            self.assertIn("planted.cc", result.stderr)
            self.assertIn("run scripts/format", result.stderr)
            self.assertEqual(run("scripts/format", path).returncode, 0)
            self.assertEqual(run("scripts/format", "--check", path).returncode, 0)


class TidyTest(unittest.TestCase):
    def test_commands_lose_what_only_gcc_knows(self):
        command = ("/usr/bin/cmake -E env X=1 /usr/bin/ccache /usr/bin/c++ -DA -I/x -fpch-preprocess -Winvalid-pch -Werror "
                   "-include /b/cmake_pch.hxx -include /b/kept.h -std=c++20 -o a.o -c a.cc")
        self.assertEqual(load_tidy().clang_command(command),
                         "/usr/bin/c++ -DA -I/x -include /b/kept.h -std=c++20 -o a.o -c a.cc")

    @unittest.skipUnless(shutil.which("clang-tidy-16"), "clang-tidy-16 is not installed")
    def test_findings_are_errors(self):
        tidy = load_tidy()
        planted = {
            "cppcoreguidelines-avoid-reference-coroutine-parameters": "Fire Run(const int& n) { co_return; }",
            "readability-identifier-naming": "int badly_named() { int CamelLocal = 1; return CamelLocal; }",
            "bugprone-use-after-move": "int F(std::string s) { std::string t = std::move(s); return s.size() + t.size(); }",
        }
        head = ("#include <coroutine>\n#include <string>\n#include <utility>\nstruct Fire {\n  struct promise_type {\n"
                "    Fire get_return_object() { return {}; }\n    std::suspend_never initial_suspend() { return {}; }\n"
                "    std::suspend_never final_suspend() noexcept { return {}; }\n    void return_void() {}\n"
                "    void unhandled_exception() {}\n  };\n};\n")
        with tempfile.TemporaryDirectory() as folder:
            shutil.copy(os.path.join(TOP, ".clang-tidy"), folder)
            path = os.path.join(folder, "planted.cc")
            with open(os.path.join(folder, "compile_commands.json"), "w", encoding="utf-8") as file:
                json.dump([{"directory": folder, "file": path,
                            "command": tidy.clang_command(f"c++ -std=c++20 -fpch-preprocess -Werror -c {path}")}], file)
            for check, statement in [("", "int Fine(int n) { return n; }"), *planted.items()]:
                with self.subTest(check or "clean"):
                    with open(path, "w", encoding="utf-8") as file:
                        file.write(head + statement + "\n")
                    _, status, output = tidy.run_one(folder, path)
                    self.assertEqual(status != 0, bool(check), output)
                    self.assertIn(check, output)

    def test_a_file_that_no_target_compiles_is_refused(self):
        build = os.environ.get("BUILD_FOLDER", os.path.join(TOP, "build"))
        result = run(sys.executable, "scripts/tidy", "--build", build, "tests/checks/no_such.cc")
        self.assertEqual(result.returncode, 2)
        self.assertIn("no target compiles", result.stderr)


if __name__ == "__main__":
    unittest.main()
