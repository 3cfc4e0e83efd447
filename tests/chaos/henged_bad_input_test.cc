// What must be refused with a clear word, cost no other client anything, and lose nothing.
#include <signal.h>

#include <chrono>
#include <fstream>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <gtest/gtest.h>

#include "tests/chaos/henged_cluster.h"
#include "tests/free_address.h"

namespace henge::chaos {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// What a henged that must not start says; its exit status.
struct Refused {
  int code;
  std::string text;
};
Refused RunRefused(const TempDir& scratch, std::vector<std::string> flags) {
  HengedProcess henged(scratch, std::move(flags));
  const auto exit = henged.AwaitExit();
  return {exit.has_value() ? exit->code : -1, henged.Stderr()};
}

std::vector<std::string> SingleFlags(const std::string& data_dir) {
  return {"--data-dir=" + data_dir, "--client-listen=" + FreeAddress(), "--peer-listen=" + FreeAddress()};
}

TEST(BadStart, AnotherProcessHasTheDataDirectory) {
  TempDir scratch;
  HengedProcess first(scratch, SingleFlags(scratch / "data"));
  ASSERT_TRUE(first.AwaitReady()) << first.Stderr();
  const Refused second = RunRefused(scratch, SingleFlags(scratch / "data"));
  EXPECT_EQ(second.code, 1);
  EXPECT_THAT(second.text, HasSubstr("lock"));
  RawClient client(first.client_address());
  EXPECT_TRUE(client.Put("k", "v").ok());
}

TEST(BadStart, TheDataBelongsToAnotherClusterOrMember) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.Start(0));
  cluster.process(0).Kill();
  const Refused foreign = RunRefused(cluster.scratch(), SingleFlags(cluster.DataDir(0)));
  EXPECT_EQ(foreign.code, 1);
  EXPECT_THAT(foreign.text, HasSubstr("belongs to cluster"));
  EXPECT_THAT(foreign.text, HasSubstr("nothing was changed"));
  const Refused renamed = RunRefused(cluster.scratch(), cluster.Flags(1, cluster.DataDir(0)));
  EXPECT_EQ(renamed.code, 1);
  EXPECT_THAT(renamed.text, HasSubstr("belongs to member n1"));
  ASSERT_TRUE(cluster.Start(0)) << cluster.process(0).Stderr();
}

TEST(BadStart, TheDataDirectoryCannotBeWritten) {
  TempDir scratch;
  std::ofstream(scratch / "file") << "no directory";
  const Refused refused = RunRefused(scratch, SingleFlags(scratch / "file/data"));
  EXPECT_EQ(refused.code, 1);
  EXPECT_THAT(refused.text, HasSubstr("file/data"));
}

TEST(BadStart, ThePortIsTaken) {
  TempDir scratch;
  HengedProcess first(scratch, SingleFlags(scratch / "a"));
  ASSERT_TRUE(first.AwaitReady()) << first.Stderr();
  for (const char* flag : {"--client-listen=", "--peer-listen="}) {
    std::vector<std::string> flags = SingleFlags(scratch / "b");
    flags.push_back(flag + first.client_address());
    const Refused refused = RunRefused(scratch, flags);
    EXPECT_EQ(refused.code, 1);
    EXPECT_THAT(refused.text, HasSubstr("can't listen on " + first.client_address()));
    EXPECT_THAT(refused.text, HasSubstr("Address already in use"));
  }
}

TEST(BadStart, TheConfigurationHasATypo) {
  TempDir scratch;
  std::ofstream(scratch / "henge.toml") << "[store]\nblock_cach = \"64MiB\"\n";
  const Refused refused = RunRefused(scratch, {"--config=" + (scratch / "henge.toml")});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.text, HasSubstr("unknown setting store.block_cach"));
  EXPECT_THAT(refused.text, HasSubstr("did you mean store.block_cache?"));
}

// H5: two processes that claim to be one member; the first stays, the second is refused by every peer.
TEST(BadPeer, ASecondProcessOfAMemberIsRefused) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  std::vector<std::string> flags = cluster.Flags(2, cluster.scratch() / "copy");
  flags.push_back("--client-listen=" + FreeAddress());
  flags.push_back("--peer-listen=" + FreeAddress());
  HengedProcess second(cluster.scratch(), flags);
  ASSERT_TRUE(second.AwaitReady()) << second.Stderr();
  EXPECT_TRUE(cluster.process(0).AwaitStderr("SecondProcessRefused"));
  EXPECT_TRUE(cluster.process(1).AwaitStderr("SecondProcessRefused"));
  EXPECT_TRUE(second.AwaitStderr("another live process of member n3"));
  const auto through_second = RawClient(second.client_address()).Put("k", "second");
  EXPECT_EQ(through_second.status.error_code(), grpc::StatusCode::UNAVAILABLE);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(cluster.client(i).Put("k" + std::to_string(i), "v").ok());
  // Once the first is gone, a newer process of that member is welcome.
  second.Kill();
  cluster.process(2).Kill();
  ASSERT_TRUE(cluster.Start(2));
  EXPECT_TRUE(cluster.AwaitPeers(2, 2));
}

// H38: a node of another cluster that dials one of this.
TEST(BadPeer, ANodeOfAnotherClusterIsRefused) {
  HengedCluster cluster(1);
  ASSERT_TRUE(cluster.StartAll());
  TempDir scratch;
  const std::string mine = "a=" + FreeAddress() + "/" + FreeAddress();
  const std::string theirs = "b=" + cluster.client_address(0) + "/" + cluster.peer_address(0);
  HengedProcess stranger(scratch,
                         {"--name=a", "--initial-cluster=" + mine + "," + theirs, "--data-dir=" + (scratch / "a")});
  ASSERT_TRUE(stranger.AwaitReady()) << stranger.Stderr();
  EXPECT_TRUE(stranger.AwaitStderr("another cluster"));
  EXPECT_TRUE(cluster.process(0).AwaitStderr("ForeignPeerRefused"));
  EXPECT_TRUE(cluster.client(0).Put("k", "v").ok());
}

TEST(BadBytes, GarbageOnEitherPortHurtsNobody) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  std::mt19937_64 rng(9);
  const std::string preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  for (int round = 0; round < 6; ++round) {
    std::string noise(20'000, '\0');
    for (char& c : noise) c = static_cast<char>(rng());
    for (const std::string& address : {cluster.client_address(0), cluster.peer_address(0)}) {
      SendBytes(address, (round % 2 == 0 ? "" : preface) + noise);
      SendBytes(address, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    }
    const auto put = cluster.client(0).Put("k" + std::to_string(round), "v");
    EXPECT_TRUE(put.ok()) << put.status.error_message();
  }
  EXPECT_TRUE(cluster.AwaitPeers(0, 2));
  EXPECT_TRUE(cluster.AwaitPeers(1, 2));
}

// Sends one message of raw bytes on a stream of `method`; how the stream ended.
grpc::Status StreamOnce(const std::string& address, const std::string& method, const std::string& bytes) {
  auto channel = grpc::CreateChannel(address, grpc::InsecureChannelCredentials());
  grpc::TemplatedGenericStub<grpc::ByteBuffer, grpc::ByteBuffer> stub(channel);
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
  grpc::CompletionQueue queue;
  auto stream = stub.PrepareCall(&context, method, &queue);
  auto step = [&queue](auto start) {
    start();
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  grpc::Slice slice(bytes);
  grpc::ByteBuffer out(&slice, 1);
  grpc::ByteBuffer in;
  if (step([&] { stream->StartCall(nullptr); }) && step([&] { stream->Write(out, nullptr); })) {
    while (step([&] { stream->Read(&in, nullptr); })) {
    }
  }
  grpc::Status status;
  step([&] { stream->Finish(&status, nullptr); });
  return status;
}

TEST(BadBytes, AFrameThatIsNoneEndsItsStreamOnly) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  const std::string garbage = "\xff\xff\xff garbage";
  const grpc::Status client = StreamOnce(cluster.client_address(0), "/henge.v1.Kv/Session", garbage);
  EXPECT_EQ(client.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(client.error_message(), HasSubstr("ClientFrame"));
  const grpc::Status peer = StreamOnce(cluster.peer_address(0), "/henge.v1.Peer/Stream", garbage);
  EXPECT_EQ(peer.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  const grpc::Status silent = StreamOnce(cluster.peer_address(0), "/henge.v1.Peer/Stream", "");
  EXPECT_EQ(silent.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(silent.error_message(), HasSubstr("must say who it is"));
  EXPECT_EQ(cluster.client(0).Status().peer_calls_refused(), 2u);
  EXPECT_TRUE(cluster.process(0).AwaitStderr("PeerCallRefused"));
  EXPECT_TRUE(cluster.client(0).Put("k", "v").ok());
  EXPECT_TRUE(cluster.AwaitPeers(0, 2));
}

TEST(BadRequest, IsRefusedWithTheReasonAndChangesNothing) {
  HengedCluster cluster(1);
  ASSERT_TRUE(cluster.StartAll());
  RawClient& client = cluster.client(0);
  auto refused = [](const RawClient::Result& result, const char* text) {
    EXPECT_EQ(result.status.error_code(), grpc::StatusCode::INVALID_ARGUMENT) << text;
    EXPECT_THAT(result.status.error_message(), HasSubstr(text));
  };
  refused(client.Put("", "v"), "key");
  refused(client.Put(std::string(4097, 'k'), "v"), "4096");
  refused(client.Put("k", std::string((1 << 20) + 1, 'v')), "1048576");
  refused(client.Get("k", 2), "r = 2 can't be met");
  for (const uint32_t w : {0, 9}) {
    v1::Request request;
    request.set_key("k");
    request.set_value("v");
    request.set_quorum(w);
    RawClient::Result result;
    grpc::ClientContext call;
    result.status = client.kv().Put(&call, request, &result.reply);
    refused(result, ("w = " + std::to_string(w) + " can't be met").c_str());
  }
  v1::Request none;
  none.set_key("k");
  none.set_quorum(0);
  RawClient::Result none_read;
  grpc::ClientContext none_call;
  none_read.status = client.kv().Get(&none_call, none, &none_read.reply);
  refused(none_read, "r = 0 can't be met");
  ASSERT_TRUE(client.Put("other", "v").ok());
  const std::string context = client.Get("other").reply.context();
  refused(client.Put("k", "v", context), "another key");
  refused(client.Put("other", "w", context.substr(0, context.size() - 1)), "context");
  HengedCluster elsewhere(3);
  ASSERT_TRUE(elsewhere.StartAll());
  ASSERT_TRUE(elsewhere.client(0).Put("other", "v").ok());
  refused(client.Put("other", "w", elsewhere.client(0).Get("other").reply.context()), "another cluster");
  EXPECT_TRUE(client.Get("k").reply.values().empty());
  EXPECT_THAT(client.Get("other").reply.values(), ElementsAre("v"));
}

// A client that sends much and is gone before it is answered.
TEST(BadClient, OneThatVanishesMidStreamCostsNobodyAnything) {
  HengedCluster cluster(3);
  ASSERT_TRUE(cluster.StartAll());
  for (int round = 0; round < 5; ++round) {
    auto channel = grpc::CreateChannel(cluster.client_address(0), grpc::InsecureChannelCredentials());
    auto stub = v1::Kv::NewStub(channel);
    grpc::ClientContext context;
    auto session = stub->Session(&context);
    v1::ClientFrame frame;
    for (uint64_t i = 0; i < 500; ++i) {
      v1::Request* request = frame.add_requests();
      request->set_id(i);
      request->set_op(v1::OP_PUT);
      request->set_key("gone-" + std::to_string(round) + "-" + std::to_string(i));
      request->set_value(std::string(1000, 'v'));
    }
    ASSERT_TRUE(session->Write(frame));
    context.TryCancel();
    session->Finish();
    EXPECT_TRUE(cluster.client(0).Put("k" + std::to_string(round), "v").ok());
  }
  // Nothing is left of it: a drain finds the node idle at once.
  const auto start = std::chrono::steady_clock::now();
  cluster.process(0).Signal(SIGTERM);
  const auto exit = cluster.process(0).AwaitExit();
  ASSERT_TRUE(exit.has_value());
  EXPECT_EQ(exit->code, 0) << cluster.process(0).Stderr();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
}

}  // namespace
}  // namespace henge::chaos
