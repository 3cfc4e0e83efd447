#include "tests/chaos/tcp_proxy.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "core/runtime/check.h"

namespace henge::chaos {
namespace {

constexpr size_t kBufferBytes = 64 << 10;

sockaddr_in AddressOf(const std::string& address) {
  const size_t colon = address.rfind(':');
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  HENGE_CHECK(inet_pton(AF_INET, address.substr(0, colon).c_str(), &out.sin_addr) == 1);
  return out;
}

int MakeSocket() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  HENGE_CHECK(fd >= 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  return fd;
}

}  // namespace

// Two sockets, and what was read from one and waits for the other.
struct TcpProxy::Pipe {
  ~Pipe() {
    for (int fd : fds) close(fd);
  }

  // Moves what can be moved from end `from`; false once the connection is over.
  bool Move(int from, short events) {
    if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && waiting[from].empty()) {
      char buffer[kBufferBytes];
      const ssize_t n = recv(fds[from], buffer, sizeof(buffer), 0);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
      if (n > 0) waiting[from].assign(buffer, static_cast<size_t>(n));
    }
    if (waiting[from].empty()) return true;
    const ssize_t n = send(fds[1 - from], waiting[from].data(), waiting[from].size(), MSG_NOSIGNAL);
    if (n < 0) return errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN;
    waiting[from].erase(0, static_cast<size_t>(n));
    return true;
  }
  short Wanted(int end) const {
    return static_cast<short>((waiting[end].empty() ? POLLIN : 0) | (waiting[1 - end].empty() ? 0 : POLLOUT));
  }

  int fds[2] = {-1, -1};
  std::string waiting[2];  // by the end that it was read from
};

TcpProxy::TcpProxy(const std::string& listen_at, std::string target) : target_(std::move(target)) {
  listener_ = MakeSocket();
  const sockaddr_in address = AddressOf(listen_at);
  HENGE_CHECK(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0);
  HENGE_CHECK(listen(listener_, 64) == 0);
  HENGE_CHECK(pipe2(wake_, O_CLOEXEC | O_NONBLOCK) == 0);
  thread_ = std::thread([this] { Run(); });
}

TcpProxy::~TcpProxy() {
  stop_ = true;
  SetCut(false);
  thread_.join();
  close(listener_);
  close(wake_[0]);
  close(wake_[1]);
}

void TcpProxy::SetCut(bool cut) {
  cut_ = cut;
  const char byte = 0;
  HENGE_CHECK(write(wake_[1], &byte, 1) == 1);
}

void TcpProxy::Accept() {
  const int incoming = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (incoming < 0) return;
  auto pipe = std::make_unique<Pipe>();
  pipe->fds[0] = incoming;
  pipe->fds[1] = MakeSocket();
  const sockaddr_in to = AddressOf(target_);
  const int connected = connect(pipe->fds[1], reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  if (connected == 0 || errno == EINPROGRESS) pipes_.push_back(std::move(pipe));
}

void TcpProxy::Run() {
  while (!stop_) {
    const bool passing = !cut_;
    std::vector<pollfd> polled = {{wake_[0], POLLIN, 0}};
    if (passing) {
      polled.push_back({listener_, POLLIN, 0});
      for (const auto& pipe : pipes_) {
        for (int end : {0, 1}) polled.push_back({pipe->fds[end], pipe->Wanted(end), 0});
      }
    }
    poll(polled.data(), polled.size(), -1);
    char sink[64];
    while (read(wake_[0], sink, sizeof(sink)) > 0) {
    }
    if (!passing || cut_) continue;
    size_t at = 2;
    std::erase_if(pipes_, [&](const std::unique_ptr<Pipe>& pipe) {
      const short first = polled[at++].revents;
      const short second = polled[at++].revents;
      return !pipe->Move(0, first) || !pipe->Move(1, second);
    });
    if ((polled[1].revents & POLLIN) != 0) Accept();
  }
  pipes_.clear();
}

}  // namespace henge::chaos
