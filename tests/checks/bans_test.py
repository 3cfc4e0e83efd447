"""Each ban is caught above the seams, names its replacement, and lets pass what it should let pass."""

import unittest

from support import TreeCase

# rule -> (planted statement, word that the message must hold, a place where the same is allowed or None)
PLANTED = {
    "grpc": ("#include <grpcpp/grpcpp.h>", "core/runtime/transport.h", "node/grpc/x.cc"),
    "rocksdb": ("#include <rocksdb/db.h>", "storage/", "storage/x.cc"),
    "clock": ("auto t = std::chrono::steady_clock::now();", "core/runtime/clock.h", "node/real/x.cc"),
    "thread": ("std::thread worker;", "core/runtime/executor.h", "node/real/x.cc"),
    "lock": ("std::mutex mutex_;", "core/runtime/executor.h", "node/grpc/x.cc"),
    "sleep": ("std::this_thread::sleep_for(delay);", "RunAt", "client/x.cc"),
    "random": ("std::random_device device;", "core/runtime/random.h", "node/real/x.cc"),
    "rocksdb-property": ("db->GetIntProperty(name, &pending);", "count in our own code", "storage/stats.cc"),
    "ignored-status": ("Apply(batch).IgnoreError();", "handle it", None),
    "assert": ("assert(count > 0);", "HENGE_CHECK", None),
    "simulated": ("if (environment.IsSimulated()) return;", "core/runtime", None),
    "throw": ("throw std::runtime_error(what);", "absl::Status", None),
    "singleton": ("auto& log = Logger::Instance();", "constructor", None),
    "leftover": ("// FIXME: later", "tracker", None),
}

OTHER_SPELLINGS = {
    "grpc": ["#include <grpc/grpc.h>", '#include "grpcpp/channel.h"'],
    "clock": ["auto t = std::chrono::system_clock::now();", "auto t = absl::Now();", "auto t = time(nullptr);",
              "using Clock = std::chrono::high_resolution_clock;", "clock_gettime(CLOCK_MONOTONIC, &spec);"],
    "thread": ["std::jthread worker;", "auto f = std::async(Work);", "#include <thread>"],
    "lock": ["std::shared_mutex mutex_;", "absl::Mutex mutex_;", "std::condition_variable ready_;",
             "std::lock_guard guard(other);", "std::counting_semaphore<4> slots(4);"],
    "sleep": ["absl::SleepFor(delay);", "usleep(10);", "  sleep(1);"],
    "random": ["int x = rand();", "std::mt19937_64 engine(1);", "absl::BitGen gen;", "srand(1);"],
    "rocksdb-property": ["db.GetProperty(name, &text);", "db_->GetMapProperty(name, &map);"],
    "ignored-status": ["(void)engine->Sync();", "std::ignore = engine->Sync();", "static_cast<void>(Sync());"],
    "leftover": ["// TODO(me): x", "/* HACK */"],
}

HARMLESS = """\
    // A comment may name std::mutex, rand() and assert( freely.
    const char* text = "std::thread and sleep_for(1) and throw";
    static_assert(sizeof(int) == 4);
    auto wait = timer.sleep(1);
    int operand = strand(1);
    void Unused(int value) { (void)value; }
    long big = 1'000'000;
    auto* test = testing::UnitTest::GetInstance();
    auto raw = R"(std::mutex m; throw 1;)";
    absl::Status Run(int throwaway);
    """


class BansTest(TreeCase):
    def test_each_ban_is_caught_and_names_its_replacement(self):
        for rule, (statement, word, allowed_at) in PLANTED.items():
            with self.subTest(rule):
                self.assert_caught("coordinator/planted.cc", f"int before;\n{statement}\n", rule, word, line=2)
                if allowed_at:
                    self.plant({allowed_at: statement + "\n"})
                    self.assert_clean()

    def test_other_spellings_are_caught(self):
        for rule, statements in OTHER_SPELLINGS.items():
            for statement in statements:
                with self.subTest(statement):
                    self.assert_caught("coordinator/planted.cc", statement + "\n", rule)

    def test_every_ban_has_a_planted_violation(self):
        from checks import bans
        self.assertEqual({ban.rule for ban in bans.BANS}, set(PLANTED))

    def test_a_place_below_the_seams_does_not_excuse_what_is_banned_everywhere(self):
        for rule in ("ignored-status", "assert", "throw", "leftover"):
            with self.subTest(rule):
                self.assert_caught("node/real/planted.cc", PLANTED[rule][0] + "\n", rule)

    def test_a_result_may_be_discarded_with_a_reason_only(self):
        self.assert_clean({"node/ok.cc": "// discarded: only a crash would be wrong\n(void)Decode(garbage);\n"})
        self.assert_caught("node/planted.cc", "(void)Decode(garbage);  // discarded:\n", "ignored-status", "reason")

    def test_comments_strings_and_look_alikes_pass(self):
        self.assert_clean({"coordinator/harmless.cc": HARMLESS})

    def test_capturing_lambda_coroutine_is_caught(self):
        self.assert_caught("coordinator/planted.cc", """\
            void Start() {
              auto work = [this, key = Key()](int n) -> Task<int> {
                co_return n;
              };
            }
            """, "lambda-coroutine", "takes them by value", line=2)

    def test_lambdas_that_only_call_or_hold_coroutines_pass(self):
        self.assert_clean({"coordinator/lambdas.cc": """\
            Task<int> Outer(int n) {
              auto plain = [n](int m) { return n + m; };
              auto starts = [n] { return Run([](int m) -> Task<int> { co_return m; }(n)); };
              int array[3] = {1, 2, 3};
              co_return plain(array[1]);
            }
            """})

    def test_header_without_pragma_once_is_caught(self):
        self.assert_caught("core/model/planted.h", "namespace henge {}\n", "pragma-once", "#pragma once")


if __name__ == "__main__":
    unittest.main()
