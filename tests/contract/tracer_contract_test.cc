// What core/runtime/tracer.h promises, of the log and of the simulated one.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "node/real/spdlog_tracer.h"
#include "node/real/system_clock.h"
#include "tests/sim/sim_tracer.h"

namespace henge::contract {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class RealWorld {
 public:
  RealWorld() {
    std::string folder = (std::filesystem::temp_directory_path() / "henge-tracer-XXXXXX").string();
    EXPECT_NE(mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    auto opened = SpdlogTracer::Open({.level = Severity::kInfo, .node = "n1", .file = folder + "/log"}, clock_);
    EXPECT_TRUE(opened.ok()) << opened.status();
    tracer_ = *std::move(opened);
  }
  ~RealWorld() {
    tracer_.reset();
    std::filesystem::remove_all(folder_);
  }
  Tracer& tracer() { return *tracer_; }
  std::vector<std::string> Lines() {
    tracer_->Flush();
    std::ifstream in(folder_ + "/log");
    std::vector<std::string> out;
    for (std::string line; std::getline(in, line);) out.push_back(line);
    return out;
  }

 private:
  SystemClock clock_;
  std::string folder_;
  std::unique_ptr<SpdlogTracer> tracer_;
};

class SimWorld {
 public:
  SimWorld() {
    tracer_.SetLevel(Severity::kInfo);
    tracer_.ShowLines([this](const std::string& line) { lines_.push_back(line); });
  }
  Tracer& tracer() { return tracer_; }
  std::vector<std::string> Lines() { return lines_; }

 private:
  sim::SimScheduler scheduler_{1};
  std::vector<sim::SeriousEvent> serious_;
  sim::SimTracer tracer_{scheduler_, "n1", serious_};
  std::vector<std::string> lines_;
};

template <class World>
class TracerContractTest : public ::testing::Test {
 protected:
  World world_;
};
using Worlds = ::testing::Types<RealWorld, SimWorld>;
TYPED_TEST_SUITE(TracerContractTest, Worlds);

TYPED_TEST(TracerContractTest, ShowsNodeNameAndEveryField) {
  this->world_.tracer().Event(Severity::kWarning, "PeerDisqualified",
                              {{"peer", uint64_t{2}}, {"strikes", int64_t{-3}}, {"why", std::string("slow")}});
  EXPECT_THAT(this->world_.Lines(),
              ElementsAre(AllOf(HasSubstr("n1"), HasSubstr("PeerDisqualified"), HasSubstr("peer=2"),
                                HasSubstr("strikes=-3"), HasSubstr("why=slow"))));
}

TYPED_TEST(TracerContractTest, KeepsTheOrderOfEvents) {
  for (int i = 0; i < 500; ++i) this->world_.tracer().Event(Severity::kInfo, "Step", {{"number", int64_t{i}}});
  const std::vector<std::string> lines = this->world_.Lines();
  ASSERT_EQ(lines.size(), 500u);
  for (size_t i = 0; i < 500; ++i) EXPECT_THAT(lines[i], ::testing::EndsWith("number=" + std::to_string(i)));
}

TYPED_TEST(TracerContractTest, SaysWhatIsEnabledAndDropsTheRest) {
  EXPECT_FALSE(this->world_.tracer().Enabled(Severity::kDebug));
  EXPECT_TRUE(this->world_.tracer().Enabled(Severity::kInfo));
  EXPECT_TRUE(this->world_.tracer().Enabled(Severity::kAlarm));
  this->world_.tracer().Event(Severity::kDebug, "Detail", {});
  this->world_.tracer().Event(Severity::kAlarm, "DotCollision", {});
  EXPECT_THAT(this->world_.Lines(), ElementsAre(HasSubstr("DotCollision")));
}

}  // namespace
}  // namespace henge::contract
