#include "storage/rocks_engine.h"

#include <rocksdb/cache.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "core/model/hash.h"
#include "core/model/wire.h"
#include "core/runtime/status_macros.h"
#include "storage/rocks_status.h"

namespace henge {
namespace {

constexpr char kStoreIdName[] = "store_id";

}  // namespace

RocksEngine::RocksEngine(Parts parts, Tracer& tracer) : parts_(std::move(parts)), tracer_(tracer) {}

RocksEngine::~RocksEngine() {
  absl::Status status = Close();
  if (!status.ok()) tracer_.Event(Severity::kWarning, "StoreCloseFailed", {{"status", status.ToString()}});
}

absl::Status RocksEngine::Start(rocksdb::Env& env, WorkerFactory& workers) {
  HENGE_RETURN_IF_ERROR(StartStoreId(env));
  parts_.disk->Look();
  commit_worker_ = workers.MakeWorker("commit", [this](auto work) { RunCommits(std::move(work)); });
  read_worker_ = workers.MakeWorker("read", [this](auto work) { RunReads(std::move(work)); });
  return absl::OkStatus();
}

absl::Status RocksEngine::StartStoreId(rocksdb::Env& env) {
  HENGE_ASSIGN_OR_RETURN(std::optional<std::string> stored, ReadMeta(kStoreIdName));
  if (stored.has_value()) {
    ByteReader in(*stored);
    store_id_ = StoreId(in.Fixed64());
    if (in.AtEnd() && store_id_.value() != 0) return absl::OkStatus();
    return absl::DataLossError(absl::StrCat("the store id in ", parts_.dir->path(), " is damaged: ", kDamageAdvice));
  }
  if (parts_.db->GetLatestSequenceNumber() != 0) {
    return absl::DataLossError(absl::StrCat("the store in ", parts_.dir->path(), " has lost its id: ", kDamageAdvice));
  }
  // 122 random bits of the system, or of the simulation's seed.
  uint64_t drawn = Hash64(env.GenerateUniqueId());
  store_id_ = StoreId(drawn != 0 ? drawn : 1);
  std::string bytes;
  ByteWriter(&bytes).Fixed64(store_id_.value());
  return WriteMeta(kStoreIdName, bytes);
}

absl::Status RocksEngine::Close() {
  if (closed_) return absl::OkStatus();
  closed_ = true;
  if (commit_worker_ != nullptr) commit_worker_->Stop();
  if (read_worker_ != nullptr) read_worker_->Stop();
  parts_.sticky->Disarm();  // what fails now is this call's answer
  rocksdb::Status status;
  // A log that is flushed now needn't be replayed by the next open.
  if (parts_.flush_bytes == 0 && parts_.sticky->ok()) {
    status = parts_.db->Flush(rocksdb::FlushOptions(), {parts_.families[0].get(), parts_.families[1].get()});
  }
  parts_.families.clear();
  rocksdb::Status closed = parts_.db->Close();
  if (status.ok()) status = closed;
  parts_.db.reset();
  parts_.dir.reset();
  return FromRocks(status, "can't close the store");
}

}  // namespace henge
