// What the codec tests compare, and how they spoil bytes.
#pragma once

#include <random>
#include <string>

#include <gtest/gtest.h>

#include "core/runtime/messages.h"

namespace henge {

inline void ExpectSame(const ClientRequest& a, const ClientRequest& b) {
  EXPECT_EQ(a.op, b.op);
  EXPECT_EQ(a.bucket, b.bucket);
  EXPECT_EQ(a.key, b.key);
  EXPECT_EQ(a.value, b.value);
  EXPECT_EQ(a.context, b.context);
  EXPECT_EQ(a.op_id, b.op_id);
  EXPECT_EQ(a.retry, b.retry);
  EXPECT_EQ(a.expires_at_ms, b.expires_at_ms);
  EXPECT_EQ(a.consistency.quorum, b.consistency.quorum);
  EXPECT_EQ(a.consistency.has_quorum, b.consistency.has_quorum);
  EXPECT_EQ(a.consistency.mode, b.consistency.mode);
  EXPECT_EQ(a.budget, b.budget);
}

inline void ExpectSame(const ClientReply& a, const ClientReply& b) {
  EXPECT_EQ(a.status, b.status);
  EXPECT_EQ(a.outcome, b.outcome);
  EXPECT_EQ(a.values, b.values);
  EXPECT_EQ(a.context, b.context);
  EXPECT_EQ(a.siblings, b.siblings);
  EXPECT_EQ(a.retry_after_ms, b.retry_after_ms);
  EXPECT_EQ(a.facts.state_version, b.facts.state_version);
  EXPECT_EQ(a.facts.needed, b.facts.needed);
  EXPECT_EQ(a.facts.answered, b.facts.answered);
  EXPECT_EQ(a.facts.stale, b.facts.stale);
  EXPECT_EQ(a.facts.primaries, b.facts.primaries);
  EXPECT_EQ(a.facts.fallbacks, b.facts.fallbacks);
  EXPECT_EQ(a.facts.durable, b.facts.durable);
  EXPECT_EQ(a.facts.fallback_available, b.facts.fallback_available);
  EXPECT_EQ(a.facts.coordinator, b.facts.coordinator);
}

// Random bytes, or `good` cut or with some bytes changed.
inline std::string Spoil(const std::string& good, std::mt19937_64& rng) {
  std::string bytes = good;
  switch (rng() % 3) {
    case 0:
      bytes.resize(rng() % 200);
      for (char& c : bytes) c = static_cast<char>(rng());
      return bytes;
    case 1:
      bytes.resize(rng() % (good.size() + 1));
      return bytes;
    default:
      for (uint64_t n = 1 + rng() % 3; n > 0; --n) bytes[rng() % bytes.size()] = static_cast<char>(rng());
      return bytes;
  }
}

}  // namespace henge
