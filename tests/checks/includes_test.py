"""The dependency direction: every forbidden edge between two folders is caught, every allowed one passes."""

import unittest

from support import TreeCase

HEADER = "#pragma once\n"
FOLDERS = {
    "core/model": "core/model/a.h",
    "core/runtime": "core/runtime/b.h",
    "storage": "storage/c.h",
    "coordinator": "coordinator/d.h",
    "node": "node/e.h",
    "client": "client/f.h",
    "cli": "cli/g.h",
    "tests": "tests/h.h",
}
ALLOWED = {
    "core/model": {"core/model"},
    "core/runtime": {"core/model", "core/runtime"},
    "storage": {"core/model", "core/runtime", "storage"},
    "coordinator": {"core/model", "core/runtime", "coordinator"},
    "node": {"core/model", "core/runtime", "storage", "coordinator", "node"},
    "client": {"core/model", "client"},
    "cli": {"core/model", "client", "cli"},
    "tests": set(FOLDERS),
}


class DirectionTest(TreeCase):
    def setUp(self):
        super().setUp()
        self.plant({path: HEADER for path in FOLDERS.values()})

    def test_every_edge_between_folders(self):
        for folder in FOLDERS:
            for target, header in FOLDERS.items():
                text = f'int x;\n#include "{header}"\n'
                with self.subTest(f"{folder} -> {target}"):
                    if target in ALLOWED[folder]:
                        self.assert_clean({f"{folder}/planted.cc": text})
                        self.plant({f"{folder}/planted.cc": ""})
                    else:
                        self.assert_caught(f"{folder}/planted.cc", text, "direction", folder, header, line=2)

    def test_generated_messages_stay_out_of_the_core(self):
        for folder in ("core/model", "core/runtime", "storage", "coordinator", "cli"):
            with self.subTest(folder):
                self.assert_caught(f"{folder}/planted.cc", '#include "henge/v1/peer.pb.h"\n', "direction", "proto")
        self.assert_clean({"node/grpc/codec.cc": '#include "henge/v1/peer.pb.h"\n',
                           "client/codec.cc": '#include "henge/v1/client.grpc.pb.h"\n'})

    def test_sdk_headers_are_found_under_their_public_name(self):
        self.plant({"client/include/henge/client.h": HEADER})
        self.assert_clean({"cli/main.cc": "#include <henge/client.h>\n"})
        self.assert_caught("node/planted.cc", "#include <henge/client.h>\n", "direction", "client")

    def test_sdk_headers_show_no_grpc_protobuf_or_internals(self):
        for include in ("<grpcpp/channel.h>", '"henge/v1/client.pb.h"', "<google/protobuf/message.h>",
                        '"core/model/a.h"', '"absl/synchronization/mutex.h"'):
            with self.subTest(include):
                self.assert_caught("client/include/henge/planted.h", f"#pragma once\n#include {include}\n",
                                   "sdk-surface", "implementation pointer", line=2)
        self.assert_clean({"client/include/henge/ok.h": '#pragma once\n#include "absl/status/statusor.h"\n#include <map>\n'})

    def test_rocksdb_may_not_leak_through_a_storage_header(self):
        self.plant({"node/user.cc": '#include "storage/planted.h"\n', "storage/planted.h": HEADER})
        self.assert_clean()
        self.plant({"storage/planted.h": "#pragma once\n#include <rocksdb/db.h>\n"})
        result = self.run_check()
        self.assertEqual(result.returncode, 1)
        self.assertIn("[rocksdb-leak]", result.stdout)
        self.assertIn("forward-declare", result.stdout)
        self.assertIn("node/user.cc", result.stdout)

    def test_an_inner_storage_header_may_use_rocksdb(self):
        self.assert_clean({"storage/inner.h": "#pragma once\n#include <rocksdb/db.h>\n",
                           "storage/inner.cc": '#include "storage/inner.h"\n'})

    def test_includes_are_spelled_from_the_top(self):
        self.assert_caught("storage/planted.cc", '#include "c.h"\n', "include-path", "from the top")
        self.assert_caught("storage/planted.cc", '#include "../core/model/a.h"\n', "include-path", "from the top")


if __name__ == "__main__":
    unittest.main()
