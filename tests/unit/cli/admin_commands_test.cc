#include <nlohmann/json.hpp>

#include "tests/unit/cli/cli_fixture.h"

namespace henge::cli {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

class AdminCommandsTest : public CliTest {
 protected:
  AdminCommandsTest() {
    for (size_t i = 0; i < 3; ++i) {
      v1::NodeStatusReply status;
      status.set_member(static_cast<uint32_t>(i + 1));
      status.set_name(absl::StrCat("n", i + 1));
      status.set_cluster(cluster_.state().cluster.value());
      status.set_state_version(1);
      status.set_version("0.1.0");
      status.set_state("serving");
      status.set_disk("plenty");
      status.set_keys_estimate(1234);
      status.set_data_bytes(3 << 20);
      status.set_resident_bytes(64 << 20);
      status.set_uptime_s(3700);
      for (uint32_t peer = 1; peer <= 3; ++peer) {
        if (peer == i + 1) continue;
        auto* view = status.add_peers();
        view->set_member(peer);
        view->set_connected(true);
        view->set_latency_p95_us(700);
      }
      statuses_.push_back(status);
      cluster_.node(i).SetStatus(status);
    }
  }

  std::vector<v1::NodeStatusReply> statuses_;
};

TEST_F(AdminCommandsTest, StatusHasALineForEachNode) {
  CliResult result = Run({"status"});
  EXPECT_EQ(result.code, ExitCode::kOk);
  EXPECT_EQ(result.err, "");
  EXPECT_THAT(result.out, HasSubstr("NAME"));
  for (size_t i = 0; i < 3; ++i) EXPECT_THAT(result.out, HasSubstr(cluster_.node(i).address()));
  EXPECT_THAT(result.out, HasSubstr("serving"));
  EXPECT_THAT(result.out, HasSubstr("100.0 %"));
  EXPECT_THAT(result.out, HasSubstr("3.0 MiB"));
  EXPECT_THAT(result.out, HasSubstr("1 h 1 min"));
  EXPECT_THAT(result.out, HasSubstr("n2 0.7 ms, n3 0.7 ms"));
}

TEST_F(AdminCommandsTest, EntropyHasALineForEachPair) {
  statuses_[0].mutable_entropy()->set_repaired_here(77);
  v1::EntropyPeer* peer = statuses_[0].mutable_entropy()->add_peers();
  peer->set_member(2);
  peer->set_segments_differing(5);
  peer->set_oldest_ms(3000);
  peer->set_oldest_max_ms(7000);
  peer->set_convergence_ms(12000);
  peer->set_partitions_differing(2);
  peer->add_partitions()->set_partition(4711);
  peer->mutable_partitions(0)->set_segments(5);
  cluster_.node(0).SetStatus(statuses_[0]);
  const CliResult table = Run({"entropy"});
  EXPECT_EQ(table.code, ExitCode::kOk) << table.err;
  EXPECT_THAT(table.out, HasSubstr("SEGMENTS DIFFERING"));
  EXPECT_THAT(table.out, HasSubstr("77"));
  EXPECT_THAT(table.out, HasSubstr("3 s to 7 s"));
  EXPECT_THAT(table.out, HasSubstr("12 s"));
  EXPECT_THAT(table.out, Not(HasSubstr("4711")));
  EXPECT_THAT(Run({"entropy", "--partitions"}).out,
              AllOf(HasSubstr("4711"), HasSubstr("and 1 more that differ in fewer segments")));
  const json parsed = json::parse(Run({"entropy", "-o", "json"}).out);
  EXPECT_EQ(parsed[0]["entropy"]["peers"][0]["segments_differing"], 5);
  EXPECT_EQ(parsed[0]["entropy"]["peers"][0]["name"], "n2");
  EXPECT_EQ(parsed[0]["entropy"]["peers"][0]["convergence_ms"], 12000);
  EXPECT_EQ(parsed[0]["entropy"]["peers"][0]["partitions"][0]["partition"], 4711);
  EXPECT_FALSE(parsed[0]["entropy"]["peers"][0].contains("last_round_ms"));
}

// Only a comparison that ended after the wait began says anything, and every node must have been heard.
TEST_F(AdminCommandsTest, WaitConvergedSaysWhatIsMissing) {
  const auto with_peer = [this](uint64_t differing, uint64_t finished_ms, uint64_t recovering) {
    statuses_[1].clear_entropy();
    statuses_[1].mutable_entropy()->set_recovering(recovering);
    v1::EntropyPeer* peer = statuses_[1].mutable_entropy()->add_peers();
    peer->set_member(3);
    peer->set_segments_differing(differing);
    peer->set_finished_ms(finished_ms);
    cluster_.node(1).SetStatus(statuses_[1]);
  };
  const auto missing = [this] {
    const CliResult result = Run({"wait-converged", "--timeout", "100ms"});
    EXPECT_NE(result.code, ExitCode::kOk);
    return result.err;
  };
  with_peer(4, 0, 0);
  EXPECT_THAT(missing(), HasSubstr("n2 and n3 differ in 4 segments"));
  with_peer(0, 3'600'000, 0);
  EXPECT_THAT(missing(), HasSubstr("n2 and n3 have not been compared"));
  with_peer(0, 0, 7);
  EXPECT_THAT(missing(), HasSubstr("n2 is recovering 7 partitions"));
  with_peer(0, 0, 0);
  EXPECT_EQ(Run({"wait-converged", "--timeout", "5s"}).code, ExitCode::kOk);
}

TEST_F(AdminCommandsTest, AnUnreachableNodeIsShownWithTheReason) {
  statuses_[0].mutable_peers(1)->set_connected(false);
  statuses_[1].mutable_peers(0)->set_disqualified(true);
  cluster_.node(0).SetStatus(statuses_[0]);
  cluster_.node(1).SetStatus(statuses_[1]);
  cluster_.node(2).Stop();
  CliResult result = Run({"status"});
  EXPECT_EQ(result.code, ExitCode::kOk);
  EXPECT_THAT(result.out, HasSubstr("unreachable"));
  EXPECT_THAT(result.out, HasSubstr("n3 down"));
  EXPECT_THAT(result.out, HasSubstr("n1 slow"));
  EXPECT_THAT(result.err, HasSubstr("n3 is unreachable: "));
  EXPECT_THAT(result.err, HasSubstr("Connection refused"));
  json document = json::parse(Run({"status", "-o", "json"}).out);
  EXPECT_EQ(document["members"][2]["reachable"], false);
  EXPECT_THAT(document["members"][2]["error"].get<std::string>(), HasSubstr("refused"));
}

TEST_F(AdminCommandsTest, EachNodeSaysWhomItHoldsAlive) {
  statuses_[0].mutable_peers(0)->set_liveness("alive");
  statuses_[0].mutable_peers(1)->set_liveness("dead");
  statuses_[0].mutable_peers(1)->set_incarnation(6);
  statuses_[0].mutable_peers(1)->set_connected(false);
  statuses_[1].mutable_peers(1)->set_liveness("suspect");
  statuses_[1].set_gossip_bad_messages(5);
  for (size_t i = 0; i < 2; ++i) cluster_.node(i).SetStatus(statuses_[i]);
  CliResult result = Run({"status"});
  EXPECT_THAT(result.out, HasSubstr("n2 0.7 ms, n3 dead (not connected)"));
  EXPECT_THAT(result.out, HasSubstr("n1 0.7 ms, n3 suspect"));
  EXPECT_THAT(result.err, HasSubstr("n2 was sent 5 gossip messages that it can't read"));
  json document = json::parse(Run({"status", "-o", "json"}).out);
  const json& peer = document["members"][0]["status"]["peers"][1];
  EXPECT_EQ(peer["liveness"], "dead");
  EXPECT_EQ(peer["incarnation"], 6);
  EXPECT_EQ(document["members"][1]["status"]["gossip"]["bad_messages"], 5);
}

TEST_F(AdminCommandsTest, StatusPointsAtWhatIsOdd) {
  statuses_[0].set_cluster(7);
  statuses_[1].set_name("n9");
  statuses_[1].set_state_version(5);
  statuses_[2].set_disk("full");
  statuses_[2].set_dot_collisions(1);
  statuses_[2].set_peer_calls_refused(6);
  statuses_[2].mutable_entropy()->set_refused(7);
  statuses_[2].mutable_entropy()->set_refused_by_peers(8);
  for (size_t i = 0; i < 3; ++i) cluster_.node(i).SetStatus(statuses_[i]);
  std::string err = Run({"status"}).err;
  EXPECT_THAT(err, HasSubstr("n1 answers for another cluster"));
  EXPECT_THAT(err, HasSubstr("answers n9, not n2"));
  EXPECT_THAT(err, HasSubstr("version 5 of the cluster state, not 1"));
  EXPECT_THAT(err, HasSubstr("short of room (full)"));
  EXPECT_THAT(err, HasSubstr("reused identity"));
  EXPECT_THAT(err, HasSubstr("n3 has refused 6 calls of peers"));
  EXPECT_THAT(err, HasSubstr("n3 has refused 7 comparisons of replicas, and its peers 8 of its own"));
}

TEST_F(AdminCommandsTest, StatusAsJsonHasTheFigures) {
  json document = json::parse(Run({"status", "-o", "json"}).out);
  EXPECT_EQ(document["state_version"], 1);
  EXPECT_EQ(document["replicas"], 3);
  ASSERT_EQ(document["members"].size(), 3u);
  const json& first = document["members"][0];
  EXPECT_EQ(first["name"], "n1");
  EXPECT_EQ(first["owned_share"], 1.0);
  EXPECT_EQ(first["status"]["state"], "serving");
  EXPECT_EQ(first["status"]["keys_estimate"], 1234);
  EXPECT_EQ(first["status"]["peers"][0]["latency_p95_us"], 700);
}

TEST_F(AdminCommandsTest, RingShowsSharesAndPlacement) {
  CliResult ring = Run({"ring"});
  EXPECT_EQ(ring.code, ExitCode::kOk);
  EXPECT_THAT(ring.out, HasSubstr("16384 partitions, 3 replicas each, 1 replica sets"));
  EXPECT_THAT(ring.out, HasSubstr(cluster_.node(2).address()));
  json document = json::parse(Run({"ring", "-o", "json"}).out);
  EXPECT_EQ(document["partitions"], 16384);
  EXPECT_EQ(document["members"][1]["owned_partitions"], 16384);
}

TEST_F(AdminCommandsTest, RingOfAKeyShowsItsOwnersInOrder) {
  FakeCluster five(5, 3);
  json document = json::parse(Run({"ring", "{tag}x", "-o", "json", "-e", five.node(0).address()}).out);
  EXPECT_EQ(document["hashed"], "tag");
  ASSERT_EQ(document["owners"].size(), 3u);
  EXPECT_EQ(document["fallbacks"].size(), 2u);
  for (size_t i = 0; i < 3; ++i) {
    std::string name = document["owners"][i];
    EXPECT_EQ(five.state().FindMemberByName(name)->client_address, five.Owner("{tag}x", i).address());
  }
  std::string text = Run({"ring", "{tag}x", "-e", five.node(0).address()}).out;
  EXPECT_THAT(text, HasSubstr("owner 1"));
  EXPECT_THAT(text, HasSubstr("fallback 2"));
  EXPECT_THAT(text, HasSubstr("hash tag   tag"));
}

v1::ExplainReply Explained() {
  v1::ExplainReply reply;
  reply.set_partition(12);
  reply.set_segment(34);
  for (uint32_t id : {2, 1, 3}) reply.add_owners(id);
  reply.set_answered_by(2);
  auto* good = reply.add_replicas();
  good->set_member(2);
  good->set_name("n2");
  good->set_found(true);
  good->set_digest(0xabc);
  auto* version = good->add_siblings();
  version->set_dot_store(0x1122334455667788);
  version->set_dot_epoch(1);
  version->set_dot_counter(9);
  version->set_coordinator("n2");
  version->set_value_bytes(5);
  auto* deleted = good->add_siblings();
  deleted->set_tombstone(true);
  good->add_context()->set_counter(9);
  auto* silent = reply.add_replicas();
  silent->set_member(1);
  silent->set_name("n1");
  silent->set_code(14);
  silent->set_message("no answer in 50 ms");
  auto* empty = reply.add_replicas();
  empty->set_member(3);
  empty->set_name("n3");
  return reply;
}

TEST_F(AdminCommandsTest, ExplainShowsEachReplicasDotsSiblingsContextAndAge) {
  for (size_t i = 0; i < 3; ++i) cluster_.node(i).SetExplanation(Explained());
  CliResult result = Run({"explain", "k"});
  EXPECT_EQ(result.code, ExitCode::kOk);
  EXPECT_THAT(result.out, HasSubstr("partition        12, segment 34"));
  EXPECT_THAT(result.out, HasSubstr("preference list  n2, n1, n3"));
  EXPECT_THAT(result.out, HasSubstr("dot 11223344/00000000/1:9 by n2, value of 5 bytes"));
  EXPECT_THAT(result.out, HasSubstr("deleted"));
  EXPECT_THAT(result.out, HasSubstr("replica n1: no answer: no answer in 50 ms"));
  EXPECT_THAT(result.out, HasSubstr("replica n3: no record"));
  EXPECT_THAT(result.out, HasSubstr("the replicas differ"));
}

TEST_F(AdminCommandsTest, ExplainAsJsonHasAllOfIt) {
  for (size_t i = 0; i < 3; ++i) cluster_.node(i).SetExplanation(Explained());
  json document = json::parse(Run({"explain", "k", "-o", "json"}).out);
  EXPECT_EQ(document["owners"], json::parse(R"(["n2","n1","n3"])"));
  EXPECT_EQ(document["replicas_equal"], false);
  EXPECT_EQ(document["replicas"][0]["siblings"][0]["dot"]["store"], "1122334455667788");
  EXPECT_EQ(document["replicas"][0]["siblings"][0]["dot"]["counter"], 9);
  EXPECT_EQ(document["replicas"][0]["siblings"][1]["tombstone"], true);
  EXPECT_EQ(document["replicas"][1]["reachable"], false);
  EXPECT_EQ(document["replicas"][2]["found"], false);
}

TEST_F(AdminCommandsTest, ExplainRefusesWhatTheNodeRefuses) {
  v1::ExplainReply refused;
  refused.set_code(3);
  refused.set_message("no bucket is named 'x'");
  for (size_t i = 0; i < 3; ++i) cluster_.node(i).SetExplanation(refused);
  CliResult result = Run({"explain", "k", "-b", "x"});
  EXPECT_EQ(result.code, ExitCode::kError);
  EXPECT_THAT(result.err, HasSubstr("no bucket is named 'x'"));
}

TEST_F(AdminCommandsTest, NoNodeAtAllIsUnavailable) {
  for (size_t i = 0; i < 3; ++i) cluster_.node(i).Stop();
  for (const char* command : {"status", "ring"}) {
    CliResult result = Run({command});
    EXPECT_EQ(result.code, ExitCode::kUnavailable) << command;
    EXPECT_THAT(result.err, HasSubstr("Is henged running"));
  }
}

TEST_F(AdminCommandsTest, ClusterBootstrapNamesWhoNeverStarts) {
  EXPECT_EQ(Run({"cluster", "bootstrap"}).code, ExitCode::kUsage);
  std::string asked;
  cluster_.node(0).OnBootstrap([&asked](const v1::BootstrapRequest& request) {
    for (const std::string& name : request.without()) asked += name + " ";
    v1::BootstrapReply reply;
    reply.set_state_version(2);
    return reply;
  });
  const CliResult bound = Run({"cluster", "bootstrap", "--without", "n3"});
  EXPECT_EQ(bound.code, ExitCode::kOk) << bound.err;
  EXPECT_EQ(asked, "n3 ");
  EXPECT_THAT(bound.out, HasSubstr("without n3, cluster state version 2"));
  cluster_.node(0).OnBootstrap([](const v1::BootstrapRequest&) {
    v1::BootstrapReply reply;
    reply.set_code(static_cast<uint32_t>(absl::StatusCode::kFailedPrecondition));
    reply.set_message("n3 has started");
    return reply;
  });
  const CliResult refused = Run({"cluster", "bootstrap", "--without", "n3"});
  EXPECT_NE(refused.code, ExitCode::kOk);
  EXPECT_THAT(refused.err, HasSubstr("n3 has started"));
}

// P32.
TEST_F(AdminCommandsTest, ClusterRecoverShowsWhatItDoesAndDoesItByForceOnly) {
  v1::RecoverRequest asked;
  cluster_.node(0).OnRecover([&asked](const v1::RecoverRequest& request) {
    asked = request;
    v1::RecoverReply reply;
    auto* stays = reply.add_members();
    stays->set_name("n2"), stays->set_stays(true), stays->set_owned_before(10), stays->set_owned_after(16384);
    stays->set_recovering(16374);
    reply.add_members()->set_name("n3");
    reply.set_partitions_lost(17);
    reply.set_partitions_at_risk(23);
    reply.set_done(request.force());
    if (request.force()) reply.set_cluster(0xabc), reply.add_unconfirmed("n2");
    reply.set_state_version(1 << 20);
    return reply;
  });
  const CliResult shown = Run({"cluster", "recover"});
  EXPECT_EQ(shown.code, ExitCode::kOk) << shown.err;
  EXPECT_FALSE(asked.force());
  EXPECT_EQ(asked.survivors_size(), 0);
  EXPECT_THAT(shown.out, HasSubstr("nothing was changed"));
  EXPECT_THAT(shown.out, HasSubstr("17 have lost all owners"));
  EXPECT_THAT(shown.out, HasSubstr("given up"));
  const CliResult done = Run({"cluster", "recover", "--force", "--survivor", "n2", "--survivor", "n1"});
  EXPECT_EQ(done.code, ExitCode::kOk) << done.err;
  EXPECT_TRUE(asked.force());
  ASSERT_EQ(asked.survivors_size(), 2);
  EXPECT_EQ(asked.survivors(0), "n2");
  EXPECT_THAT(done.out, HasSubstr("0000000000000abc"));
  EXPECT_THAT(done.err, HasSubstr("not confirmed by n2"));
  const CliResult json = Run({"cluster", "recover", "-o", "json"});
  EXPECT_THAT(json.out, HasSubstr("\"partitions_at_risk\": 23"));
}

TEST_F(AdminCommandsTest, ClusterRecoverTellsWhyItRefuses) {
  EXPECT_EQ(Run({"cluster", "recover", "--without", "n3"}).code, ExitCode::kUsage);
  EXPECT_EQ(Run({"cluster", "bootstrap", "--without", "n3", "--force"}).code, ExitCode::kUsage);
  for (const auto& [code, exit] : {std::pair{absl::StatusCode::kFailedPrecondition, ExitCode::kError},
                                   std::pair{absl::StatusCode::kUnavailable, ExitCode::kUnavailable}}) {
    cluster_.node(0).OnRecover([code = code](const v1::RecoverRequest&) {
      v1::RecoverReply reply;
      reply.set_code(static_cast<uint32_t>(code));
      reply.set_message("nothing was changed, because");
      return reply;
    });
    const CliResult refused = Run({"cluster", "recover", "--force"});
    EXPECT_EQ(refused.code, exit);
    EXPECT_THAT(refused.err, HasSubstr("nothing was changed, because"));
  }
}

}  // namespace
}  // namespace henge::cli
