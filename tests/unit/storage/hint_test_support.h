// One hint store on a simulated disk; the data store's support lends the loop, the workers and the files.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "storage/hint_store.h"
#include "tests/unit/storage/test_support.h"

namespace henge::storage_test {

inline HintKey HintFor(uint32_t target, std::string key) { return {MemberId(target), Key(std::move(key))}; }

inline HintChange PutHint(uint32_t target, std::string key, std::string object, uint32_t needed = 2) {
  return {.kind = HintChange::Kind::kPut,
          .key = HintFor(target, std::move(key)),
          .hint = {.object = std::move(object), .needed = needed, .stored_at_ms = 1'700'000'000'000}};
}

inline HintChange RemoveHint(uint32_t target, std::string key, const std::string& object) {
  return {.kind = HintChange::Kind::kRemove, .key = HintFor(target, std::move(key)), .digest = ObjectDigest(object)};
}

class SimHints {
 public:
  explicit SimHints(uint64_t seed = 1) : base(seed) {
    base.options = HintStoreOptions(base.options);
    base.options.deterministic = true;
  }
  ~SimHints() { Close(); }

  absl::Status Open() {
    base.workers.Revive();
    auto opened = OpenHintStore(base.options, base.workers, base.tracer,
                                [this](absl::Status status) { base.fatal.push_back(std::move(status)); });
    if (!opened.ok()) return opened.status();
    store = *std::move(opened);
    base.env.RunBackgroundJobs();
    return absl::OkStatus();
  }
  void Close() { store.reset(); }
  void Crash(uint64_t seed) {
    base.files->Freeze();
    base.workers.Kill();
    store.reset();
    base.files->Crash(seed);
  }
  void Settle() { base.Settle(); }

  absl::StatusOr<std::vector<HintEffect>> Commit(std::vector<HintChange> changes) {
    absl::StatusOr<std::vector<HintEffect>> result = absl::UnknownError("not answered");
    store->Commit(std::move(changes), base.loop, [&result](auto effects) { result = std::move(effects); });
    Settle();
    return result;
  }
  // The object of a hint; "(absent)", or the status' code in words.
  std::string Get(uint32_t target, const std::string& key) {
    HintStore::ReadResult result = absl::UnknownError("not answered");
    store->Read({HintFor(target, key)}, base.loop, [&result](auto results) { result = std::move(results.at(0)); });
    Settle();
    if (!result.ok()) return absl::StatusCodeToString(result.status().code());
    return result->has_value() ? (*result)->object : "(absent)";
  }
  absl::StatusOr<HintStore::Page> ReadPage(HintStore::PageQuery query) {
    absl::StatusOr<HintStore::Page> result = absl::UnknownError("not answered");
    store->ReadPage(std::move(query), base.loop, [&result](auto page) { result = std::move(page); });
    Settle();
    return result;
  }

  SimStore base;
  std::unique_ptr<HintStore> store;
};

}  // namespace henge::storage_test
