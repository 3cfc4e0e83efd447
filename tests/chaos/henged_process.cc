#include "tests/chaos/henged_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include "core/runtime/check.h"

namespace henge::chaos {
namespace {

constexpr auto kPatience = std::chrono::seconds(30);
constexpr auto kPollPause = std::chrono::milliseconds(5);

bool AwaitTrue(const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(kPollPause);
  }
  return true;
}

std::string ReadAll(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TempDir::TempDir() {
  std::string pattern = (std::filesystem::temp_directory_path() / "henge-test-XXXXXX").string();
  HENGE_CHECK(mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

TempDir::~TempDir() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

HengedProcess::HengedProcess(const TempDir& scratch, std::vector<std::string> args) {
  static std::atomic<int> number = 0;
  const std::string name = "henged-" + std::to_string(++number);
  stderr_path_ = scratch / (name + ".stderr");
  ready_path_ = scratch / (name + ".ready");
  args.insert(args.begin(), HENGED_BINARY);
  args.push_back("--ready-file=" + ready_path_);
  std::vector<char*> argv;
  for (std::string& arg : args) argv.push_back(arg.data());
  argv.push_back(nullptr);
  pid_ = fork();
  HENGE_CHECK(pid_ >= 0);
  if (pid_ > 0) return;
  // A test that dies leaves no process behind.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const int out = open(stderr_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  dup2(out, STDERR_FILENO);
  dup2(out, STDOUT_FILENO);
  execv(argv[0], argv.data());
  _exit(127);
}

HengedProcess::~HengedProcess() { Kill(); }

bool HengedProcess::AwaitReady() {
  const bool settled = AwaitTrue([this] { return std::filesystem::exists(ready_path_) || !running(); });
  if (!settled || !std::filesystem::exists(ready_path_)) return false;
  std::ifstream file(ready_path_);
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("client=", 0) == 0) client_address_ = line.substr(7);
    if (line.rfind("peer=", 0) == 0) peer_address_ = line.substr(5);
  }
  return true;
}

void HengedProcess::Signal(int number) {
  if (running()) kill(pid_, number);
}

bool HengedProcess::running() {
  if (exit_.has_value()) return false;
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return true;
  exit_ = ExitStatus{WIFEXITED(status) ? WEXITSTATUS(status) : -1, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
  return false;
}

std::optional<ExitStatus> HengedProcess::AwaitExit() {
  if (!AwaitTrue([this] { return !running(); })) return std::nullopt;
  return exit_;
}

void HengedProcess::Kill() {
  Signal(SIGKILL);
  HENGE_CHECK(AwaitExit().has_value());
}

std::string HengedProcess::Stderr() const { return ReadAll(stderr_path_); }

bool HengedProcess::AwaitStderr(const std::string& text) {
  return AwaitTrue([this, &text] { return Stderr().find(text) != std::string::npos; });
}

}  // namespace henge::chaos
