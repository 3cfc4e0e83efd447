// Henge in two minutes: quickstart [HOST:PORT[,HOST:PORT...]]
#include <future>
#include <iostream>
#include <string>
#include <vector>

#include "henge/client.h"

namespace {

int Fail(const std::string& what, const absl::Status& status) {
  std::cerr << what << ": " << status.ToString() << '\n';
  return 1;
}

// What several people put into one cart at the same time all stays in it.
henge::Change AddLine(const henge::ReadResult& now, const std::string& item) {
  return henge::Change::Write((now.found() ? now.values[0] : "") + item + "\n");
}

}  // namespace

int main(int argc, char** argv) {
  auto client = henge::Client::Connect(argc > 1 ? argv[1] : "127.0.0.1:7400");
  if (!client.ok()) return Fail("connect", client.status());

  // A write says how many nodes have it on their disks.
  henge::WriteResult write = client->Put("quickstart:greeting", "hello");
  if (!write.ok()) return Fail("put", write.status);
  std::cout << "greeting is on " << write.facts.durable << " disks\n";

  // Read, change, write back with what was read: nothing that somebody else wrote meanwhile is lost.
  for (const std::string item : {"milk", "tea"}) {
    write = client->Update(
        "quickstart:cart", [&](const henge::ReadResult& now) { return AddLine(now, item); },
        henge::ResolveByUnionOfLines());
    if (!write.ok()) return Fail("update", write.status);
  }
  auto cart = client->Get("quickstart:cart");
  if (!cart.ok()) return Fail("get", cart.status());
  std::cout << "cart:\n" << cart->values.at(0);

  // Many at once: one frame to each node.
  std::vector<henge::PutItem> items;
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) {
    keys.push_back("quickstart:item:" + std::to_string(i));
    items.push_back({keys.back(), "value " + std::to_string(i), ""});
  }
  for (const auto& result : client->BatchPut(std::move(items))) {
    if (!result.ok()) return Fail("batch put", result.status);
  }
  size_t found = 0;
  for (const auto& read : client->BatchGet(keys)) found += read.ok() && read->found() ? 1 : 0;
  std::cout << found << " of " << keys.size() << " items read back\n";

  // Without waiting; the future may be asked for later.
  std::future<henge::WriteResult> gone = client->DeleteFuture("quickstart:greeting");
  if (!gone.get().ok()) return 1;
  auto greeting = client->Get("quickstart:greeting", {.quorum = henge::Quorum::Default().Strict()});
  if (!greeting.ok()) return Fail("get", greeting.status());
  std::cout << "greeting is " << (greeting->found() ? "there" : "gone") << '\n';

  keys.push_back("quickstart:cart");
  for (const std::string& key : keys) {
    if (write = client->Delete(key); !write.ok()) return Fail("delete", write.status);
  }
  return 0;
}
