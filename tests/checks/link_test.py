"""The link test of each library fails when the library refers to a folder above it."""

import os
import subprocess
import tempfile
import unittest

BUILD = os.environ.get("BUILD_FOLDER", "build")
CXX = os.environ.get("CXX", "c++")

# A reference upwards, as an object file of the library would have it.
PLANTED = """\
namespace henge {
int FromAFolderAbove();
int Use() { return FromAFolderAbove(); }
}
"""


class LinkTest(unittest.TestCase):
    def link(self, library, extra, folder):
        """Runs the real link command of the library's link test, with another output and with `extra` objects."""
        listed = subprocess.run(["ninja", "-C", BUILD, "-t", "commands", f"linktest_{library}"], check=True,
                                capture_output=True, text=True)
        command = listed.stdout.strip().splitlines()[-1]
        output = f"-o bin/linktest_{library}"
        self.assertIn(output, command)
        command = command.replace(output, " ".join([*extra, "-o", os.path.join(folder, "linked")]))
        return subprocess.run(["bash", "-c", command], cwd=BUILD, capture_output=True, text=True, check=False)

    def test_an_upward_reference_does_not_link(self):
        for library in ("henge_model", "henge_runtime", "henge_storage", "henge_coordinator"):
            with self.subTest(library), tempfile.TemporaryDirectory() as folder:
                clean = self.link(library, [], folder)
                self.assertEqual(clean.returncode, 0, clean.stdout + clean.stderr)
                source, planted = os.path.join(folder, "planted.cc"), os.path.join(folder, "planted.o")
                with open(source, "w", encoding="utf-8") as file:
                    file.write(PLANTED)
                subprocess.run([CXX, "-c", source, "-o", planted], check=True)
                broken = self.link(library, [planted], folder)
                self.assertNotEqual(broken.returncode, 0)
                self.assertRegex(broken.stdout + broken.stderr, r"undefined (symbol|reference).*FromAFolderAbove")


if __name__ == "__main__":
    unittest.main()
