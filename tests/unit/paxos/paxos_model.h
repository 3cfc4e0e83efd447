// A cluster of acceptors and proposers on a network that loses, doubles and reorders, and machines that crash between
// a promise and its durable note: one random history at a time.
#pragma once

#include <cstdint>
#include <set>
#include <string>

namespace henge::paxos_test {

enum class Plant : uint8_t {
  kNone,
  kForgetsPromise,     // an acceptor's promise is gone when it is asked to accept
  kIgnoresAccepted,    // a proposer sticks to its own value
  kPromiseNotDurable,  // an answer leaves before the note is written
  kGrantsTwice,        // an acceptor promises a ballot that it has promised already
};

struct Outcome {
  std::set<std::string> decided;  // more than one: two versions of one number
  int crashes = 0, ballots = 0;
};

Outcome RunHistory(uint64_t seed, Plant plant);

}  // namespace henge::paxos_test
