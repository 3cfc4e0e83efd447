// Runs `henge` inside the test, against a fake cluster, with strings for streams.
#pragma once

#include <gmock/gmock.h>

#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "cli/run_cli.h"
#include "tests/unit/client/fake_store.h"

namespace henge::cli {

struct CliResult {
  ExitCode code;
  std::string out;
  std::string err;
};

class CliTest : public testing::Test {
 protected:
  CliTest() : cluster_(3) {
    store_.Serve(cluster_);
    environment_["HENGE_ENDPOINTS"] = cluster_.endpoints();
  }

  CliResult Run(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::istringstream in(input);
    std::ostringstream out, err;
    Terminal terminal{.in = in,
                      .out = out,
                      .err = err,
                      .out_is_terminal = on_terminal_,
                      .err_is_terminal = on_terminal_,
                      .environment = [this](const std::string& name) { return environment_[name]; }};
    ExitCode code = RunCli(arguments, terminal);
    return {code, out.str(), err.str()};
  }

  FakeStore store_;
  FakeCluster cluster_;
  std::map<std::string, std::string> environment_;
  bool on_terminal_ = false;
};

}  // namespace henge::cli
