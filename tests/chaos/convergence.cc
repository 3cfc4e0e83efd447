#include "tests/chaos/convergence.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include "henge/admin.h"

namespace henge::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds kAnswerTimeMax{2000};
constexpr milliseconds kPollPause{250};

std::string MissingAt(const NodeStatus& status, milliseconds since) {
  if (status.state != "serving") return absl::StrCat("is ", status.state);
  for (const PeerView& peer : status.peers) {
    if (!peer.connected) return absl::StrCat("has no connection to member ", peer.member);
    if (peer.liveness != "alive") return absl::StrCat("holds member ", peer.member, " for ", peer.liveness);
  }
  for (const PendingHintsView& hints : status.hints) {
    if (hints.hints > 0) return absl::StrCat("keeps ", hints.hints, " hints for member ", hints.target);
  }
  if (status.entropy.recovering > 0) return absl::StrCat("is recovering ", status.entropy.recovering, " partitions");
  for (const EntropyPeerView& peer : status.entropy.peers) {
    if (peer.leaves_differing > 0) {
      return absl::StrCat("differs from member ", peer.member, " in ", peer.leaves_differing, " segments");
    }
    if (!peer.finished_ms.has_value() || static_cast<int64_t>(*peer.finished_ms) >= since.count()) {
      return absl::StrCat("has not compared all with member ", peer.member);
    }
  }
  return "";
}

}  // namespace

std::string Missing(const std::vector<std::string>& client_addresses, steady_clock::time_point since) {
  for (const std::string& address : client_addresses) {
    const auto passed = std::chrono::duration_cast<milliseconds>(steady_clock::now() - since);
    const absl::StatusOr<NodeStatus> status = FetchNodeStatus(address, kAnswerTimeMax);
    if (!status.ok()) return absl::StrCat(address, " does not answer: ", status.status().ToString());
    const std::string missing = MissingAt(*status, passed);
    if (!missing.empty()) return absl::StrCat(status->name, " ", missing);
  }
  return "";
}

absl::Status AwaitConverged(const std::vector<std::string>& client_addresses, steady_clock::time_point since,
                            steady_clock::time_point limit) {
  for (;;) {
    const std::string missing = Missing(client_addresses, since);
    if (missing.empty()) return absl::OkStatus();
    if (steady_clock::now() >= limit) return absl::DeadlineExceededError(missing);
    std::this_thread::sleep_for(kPollPause);
  }
}

}  // namespace henge::chaos
