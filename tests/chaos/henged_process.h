// A real henged as a child process, for tests: started, watched, killed.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace henge::chaos {

// A directory that is gone with its owner.
class TempDir {
 public:
  TempDir();
  ~TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  std::string path() const { return path_.string(); }
  std::string operator/(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

struct ExitStatus {
  int code = -1;   // of exit()
  int signal = 0;  // that killed it
};

class HengedProcess {
 public:
  // Runs henged with `args`; its standard error goes to a file in `scratch`.
  HengedProcess(const TempDir& scratch, std::vector<std::string> args);
  // Kills it if it lives.
  ~HengedProcess();
  HengedProcess(const HengedProcess&) = delete;
  HengedProcess& operator=(const HengedProcess&) = delete;

  // Waits until it serves; false if it ended, or takes too long.
  [[nodiscard]] bool AwaitReady();
  // After AwaitReady.
  const std::string& client_address() const { return client_address_; }
  const std::string& peer_address() const { return peer_address_; }

  void Signal(int number);
  // Waits for its end; nothing if it takes too long.
  std::optional<ExitStatus> AwaitExit();
  // SIGKILL, and the wait for it.
  void Kill();
  bool running();

  // What it has written to standard error so far.
  std::string Stderr() const;
  [[nodiscard]] bool AwaitStderr(const std::string& text);

 private:
  std::string stderr_path_;
  std::string ready_path_;
  pid_t pid_ = -1;
  std::optional<ExitStatus> exit_;
  std::string client_address_;
  std::string peer_address_;
};

}  // namespace henge::chaos
