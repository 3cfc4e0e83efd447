"""Iteration over unordered containers is caught however it is declared, and excused only with a reason."""

import unittest

from support import TreeCase


def loop(declaration, statement):
    return f"{declaration}\nvoid Run() {{\n  {statement}\n}}\n"


CAUGHT = [
    ("absl::flat_hash_map<int, std::vector<int>> peers;", "for (auto& [id, list] : peers) Send(id);"),
    ("std::unordered_set<int> ids_;", "for (int id : ids_) Send(id);"),
    ("absl::node_hash_map<Key, int> table_;", "for (const auto& entry : this->table_) Send(entry);"),
    ("using Table = absl::flat_hash_map<int, int>;\nTable table_;", "for (auto& e : table_) Send(e);"),
    ("const absl::flat_hash_set<int>& members();", "for (int m : ring.members()) Send(m);"),
    ("absl::flat_hash_map<int, int>* table;", "for (auto& e : *table) Send(e);"),
    ("std::unordered_map<int, int> m_;", "for (auto it = m_.begin(); it != m_.end(); ++it) Send(it);"),
    ("std::unordered_map<int, int> m_;", "auto first = m_.begin();"),
    ("std::unordered_map<int, int> m_;", "auto list = std::vector<int>(m_.cbegin(), m_.cend());"),
]

PASSES = [
    ("absl::btree_map<int, int> peers;", "for (auto& [id, list] : peers) Send(id);"),
    ("absl::flat_hash_map<int, int> peers;", "if (auto it = peers.find(1); it != peers.end()) Send(it->second);"),
    ("absl::flat_hash_map<int, int> peers; std::vector<int> sorted;", "for (int id : sorted) Send(peers[id]);"),
    ("absl::flat_hash_map<int, int> peers;", "for (int i = 0; i < 3; ++i) Send(peers[i]);"),
    ("absl::flat_hash_map<int, int> m_;", "// order-free: a sum\n  for (auto& e : m_) total += e.second;"),
    ("absl::flat_hash_map<int, int> m_;", "for (auto& e : m_) total += e.second;  // order-free: a sum"),
]


class OrderTest(TreeCase):
    def test_iteration_is_caught(self):
        for declaration, statement in CAUGHT:
            with self.subTest(statement):
                self.assert_caught("coordinator/planted.cc", loop(declaration, statement), "unordered", "btree_map")

    def test_look_ups_ordered_containers_and_reasons_pass(self):
        for declaration, statement in PASSES:
            with self.subTest(statement):
                self.assert_clean({"coordinator/ok.cc": loop(declaration, statement)})

    def test_members_declared_in_the_header_are_known(self):
        self.plant({"coordinator/planted.h": "#pragma once\nclass A { absl::flat_hash_map<int, int> peers_; };\n"})
        self.assert_caught("coordinator/planted.cc", "void A::Run() { for (auto& p : peers_) Send(p); }\n", "unordered")

    def test_an_empty_reason_is_no_reason(self):
        text = loop("absl::flat_hash_map<int, int> m_;", "for (auto& e : m_) Send(e);  // order-free:")
        self.assert_caught("coordinator/planted.cc", text, "unordered", "reason")

    def test_the_simulator_must_repeat_itself_too(self):
        text = loop("absl::flat_hash_map<int, int> m_;", "for (auto& e : m_) Send(e);")
        self.assert_caught("tests/sim/planted.cc", text, "unordered")
        self.assert_clean({"node/real/ok.cc": text, "tests/unit/ok.cc": text, "client/ok.cc": text})


if __name__ == "__main__":
    unittest.main()
