// Five members, hints on each; a key of which member 1 is an owner.
#pragma once

#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "core/model/slot.h"
#include "tests/unit/coordinator/fakes.h"

namespace henge::coordinator_test {

class SloppyRig : public testing::Test {
 protected:
  explicit SloppyRig(CoordinatorOptions options = {}) : rig_(5, options, Rig::Hints::kHere) {
    for (int i = 0; key_.empty(); ++i) {
      std::string key = absl::StrCat("k", i);
      if (rig_.ring->IsOwner(PartitionOf(key), MemberId(1))) key_ = std::move(key);
    }
    std::vector<uint32_t> others;
    for (MemberId owner : rig_.ring->Owners(PartitionOf(key_))) {
      if (owner != MemberId(1)) others.push_back(owner.value());
    }
    const std::vector<MemberId> fallbacks = rig_.ring->Fallbacks(PartitionOf(key_));
    a_ = others[0];
    b_ = others[1];
    f_ = fallbacks[0].value();
    g_ = fallbacks[1].value();
  }

  Rig rig_;
  std::string key_;
  uint32_t a_ = 0, b_ = 0;  // the other owners
  uint32_t f_ = 0, g_ = 0;  // the fallbacks, in order
};

}  // namespace henge::coordinator_test
