"""Installs the SDK into a scratch folder, builds client/examples/quickstart against it, and runs that on a real node."""

import contextlib
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD_FOLDER", os.path.join(TOP, "build"))
EXAMPLE = os.path.join(TOP, "client", "examples", "quickstart")
READY_SECONDS_MAX = 30

EXPECTED = """\
greeting is on 1 disks
cart:
milk
tea
100 of 100 items read back
greeting is gone
"""


def run(*command, **options):
    done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def node(folder):
    """A single node on free ports; yields its client address."""
    ready = os.path.join(folder, "ready")
    environment = {k: v for k, v in os.environ.items() if not k.startswith("HENGE_")}
    process = subprocess.Popen(
        [os.path.join(BUILD, "bin", "henged"), "--data-dir", os.path.join(folder, "data"), "--client-listen", "127.0.0.1:0",
         "--peer-listen", "127.0.0.1:0", "--ready-file", ready, "--log-file", os.path.join(folder, "log")],
        stdout=subprocess.DEVNULL, env=environment)
    try:
        begun = time.monotonic()
        while not os.path.exists(ready) or "client=" not in open(ready, encoding="utf-8").read():
            if process.poll() is not None or time.monotonic() - begun > READY_SECONDS_MAX:
                raise AssertionError("henged did not start")
            time.sleep(0.05)
        yield re.search(r"client=(\S+)", open(ready, encoding="utf-8").read()).group(1)
        process.terminate()
        assert process.wait(READY_SECONDS_MAX) == 0
    finally:
        process.kill()
        process.wait()


class ConsumerTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.mkdtemp(prefix="henge-consumer-")
        cls.prefix = os.path.join(cls.scratch, "prefix")
        cls.example = os.path.join(cls.scratch, "example")
        run("cmake", "--install", BUILD, "--prefix", cls.prefix, "--component", "henge_sdk")
        # The installed archives are built with the sanitizer of this build, if it has one.
        sanitizer = os.environ.get("SANITIZER")
        flags = [f"-DCMAKE_CXX_FLAGS=-fsanitize={sanitizer}"] if sanitizer else []
        run("cmake", "-S", EXAMPLE, "-B", cls.example, "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={cls.prefix}",
            "-DCMAKE_BUILD_TYPE=Release", *flags)
        run("cmake", "--build", cls.example)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.scratch)

    def test_the_example_works_on_a_node(self):
        with node(self.scratch) as address:
            self.assertEqual(run(os.path.join(self.example, "quickstart"), address), EXPECTED)

    def test_the_example_says_what_is_wrong_without_a_node(self):
        done = subprocess.run([os.path.join(self.example, "quickstart"), "127.0.0.1:1"], capture_output=True, text=True,
                              check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no node of the cluster can be reached", done.stderr)

    def test_code_that_uses_the_sdk_reads_no_header_of_grpc_or_protobuf(self):
        headers = run(os.environ.get("CXX", "c++"), "-std=c++20", "-M", f"-I{self.prefix}/include",
                      *glob.glob(os.path.join(self.prefix, "include", "henge", "*.h")))
        self.assertIn("absl/status/status.h", headers)
        self.assertEqual(re.findall(r"\S*(?:grpc|google/protobuf|\.pb\.h)\S*", headers), [])

    def test_only_the_public_headers_are_installed(self):
        found = sorted(os.listdir(os.path.join(self.prefix, "include", "henge")))
        self.assertEqual(found, ["admin.h", "client.h"])
        self.assertEqual(os.listdir(os.path.join(self.prefix, "include")), ["henge"])

    def test_another_minor_version_is_refused(self):
        project = os.path.join(self.scratch, "newer")
        os.makedirs(project)
        with open(os.path.join(project, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(newer LANGUAGES CXX)\nfind_package(henge 0.99 REQUIRED)\n")
        done = subprocess.run(["cmake", "-S", project, "-B", project + "/build", f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                              capture_output=True, text=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("0.99", done.stderr)


if __name__ == "__main__":
    unittest.main()
