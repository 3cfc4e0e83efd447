// henged: a node of a Henge cluster.
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "node/config/node_config.h"
#include "node/grpc/run_node.h"
#include "node/version.h"

extern char** environ;

// jemalloc's: a node at rest has no calls of its own by which unused pages would find their way back to the system.
extern "C" const char* malloc_conf;
const char* malloc_conf = "background_thread:true,dirty_decay_ms:5000,muzzy_decay_ms:0";

namespace henge {
namespace {

constexpr int kUsageError = 2;

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (!file.good()) return absl::NotFoundError(absl::StrCat("can't read the configuration file ", path));
  return text.str();
}

ConfigInput InputOf(int argc, char** argv) {
  ConfigInput input;
  input.args.assign(argv + 1, argv + argc);
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    const size_t equals = text.find('=');
    if (equals != std::string::npos) input.environment[text.substr(0, equals)] = text.substr(equals + 1);
  }
  input.read_file = ReadFile;
  return input;
}

int Usage(const absl::Status& status) {
  std::fprintf(stderr, "henged: %s\n", std::string(status.message()).c_str());
  return kUsageError;
}

int Print(const std::string& text) { return std::fputs(text.c_str(), stdout) < 0 ? 1 : 0; }

int Main(int argc, char** argv) {
  absl::StatusOr<Command> command = ParseCommand(InputOf(argc, argv));
  if (!command.ok()) return Usage(command.status());
  if (command->action == CommandAction::kHelp) return Print(HelpText());
  if (command->action == CommandAction::kVersion) return Print(absl::StrCat("henged ", kHengeVersion, "\n"));
  if (command->action == CommandAction::kPrintConfig) return Print(SampleConfig());
  absl::StatusOr<NodeConfig> config = MakeNodeConfig(command->settings);
  if (!config.ok()) return Usage(config.status());
  if (command->action == CommandAction::kCheckConfig) return Print(DescribeSettings(command->settings));
  return RunNode(*config);
}

}  // namespace
}  // namespace henge

int main(int argc, char** argv) {
  // Abseil as it is packaged looks for deadlocks at each of gRPC's locks.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
  return henge::Main(argc, argv);
}
