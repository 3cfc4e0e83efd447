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
#include <deque>
#include <utility>

#include "core/runtime/check.h"

namespace henge::chaos {
namespace {

using Clock = std::chrono::steady_clock;

// The other side hears a reset in place of the end.
void SetResetOnClose(int fd) {
  const linger at_once{1, 0};
  setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

constexpr size_t kBufferBytes = 64 << 10;
constexpr size_t kQueueBytesMax = 1 << 20;  // of one way, while it is delayed
constexpr uint64_t kPortionsPerSecond = 50;

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

// What was read at one end and waits for the other.
struct Queue {
  struct Chunk {
    Clock::time_point due;
    std::string bytes;
  };

  std::deque<Chunk> chunks;
  size_t bytes = 0;
  bool ended = false;             // nothing more comes
  Clock::time_point next_send{};  // while throttled

  bool full(const LinkRule& rule) const { return bytes >= (rule.delay.count() > 0 ? kQueueBytesMax : kBufferBytes); }
  Clock::time_point due() const {
    return chunks.empty() ? Clock::time_point::max() : std::max(chunks.front().due, next_send);
  }

  // False once the connection is over.
  bool Fill(int fd, const LinkRule& rule) {
    char buffer[kBufferBytes];
    const ssize_t n = recv(fd, buffer, sizeof(buffer), 0);
    if (n < 0) return errno == EAGAIN;
    if (n == 0) ended = true;
    if (n > 0) {
      chunks.push_back({Clock::now() + rule.delay, std::string(buffer, static_cast<size_t>(n))});
      bytes += static_cast<size_t>(n);
    }
    return true;
  }

  // Sends what is due; false once the connection is over.
  bool Drain(int fd, const LinkRule& rule) {
    while (!chunks.empty()) {
      const Clock::time_point now = Clock::now();
      if (due() > now) return true;
      std::string& front = chunks.front().bytes;
      const size_t portion = rule.bytes_per_second == 0 ? front.size() : rule.bytes_per_second / kPortionsPerSecond + 1;
      const ssize_t n = send(fd, front.data(), std::min(front.size(), portion), MSG_NOSIGNAL);
      if (n < 0) return errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN;
      bytes -= static_cast<size_t>(n);
      if (rule.bytes_per_second != 0) {
        next_send = now + std::chrono::microseconds(1'000'000 * static_cast<uint64_t>(n) / rule.bytes_per_second);
      }
      if (static_cast<size_t>(n) < front.size()) {
        front.erase(0, static_cast<size_t>(n));
      } else {
        chunks.pop_front();
      }
    }
    return !ended;
  }
};

}  // namespace

// Two sockets: of who dialled, and to the target.
struct TcpProxy::Pipe {
  ~Pipe() {
    for (int fd : fds) close(fd);
  }

  // What to poll end `end` for: bytes to take, and room for bytes that are due.
  pollfd Polled(int end, const Rules& rules, Clock::time_point now, Clock::time_point* wake_at) const {
    short events = 0;
    if (!rules[end].cut && !queues[end].ended && !queues[end].full(rules[end])) events |= POLLIN;
    if (!rules[1 - end].cut && !queues[1 - end].chunks.empty()) {
      if (queues[1 - end].due() <= now) {
        events |= POLLOUT;
      } else {
        *wake_at = std::min(*wake_at, queues[1 - end].due());
      }
    }
    // An end that nothing is wanted of isn't polled: its hang-up would be reported again and again.
    return {events == 0 ? -1 : fds[end], events, 0};
  }

  // Moves what can be moved from end `from`; false once the connection is over.
  bool Move(int from, const pollfd& polled, const LinkRule& rule) {
    if (rule.cut) return true;
    const bool readable = (polled.revents & (POLLIN | POLLHUP | POLLERR)) != 0 && (polled.events & POLLIN) != 0;
    if (readable && !queues[from].Fill(fds[from], rule)) return false;
    return queues[from].Drain(fds[1 - from], rule);
  }

  void ResetOnClose() {
    for (int fd : fds) SetResetOnClose(fd);
  }

  int fds[2] = {-1, -1};
  Queue queues[2];  // by the end that it was read from, which is the way that it goes
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
  Wake();
  thread_.join();
  close(listener_);
  close(wake_[0]);
  close(wake_[1]);
}

void TcpProxy::SetRule(LinkWay way, LinkRule rule) {
  {
    std::lock_guard lock(mutex_);
    rules_[static_cast<size_t>(way)] = rule;
  }
  Wake();
}

void TcpProxy::SetRules(LinkRule rule) {
  SetRule(LinkWay::kForward, rule);
  SetRule(LinkWay::kBackward, rule);
}

void TcpProxy::Reset() {
  {
    std::lock_guard lock(mutex_);
    reset_ = true;
  }
  Wake();
}

void TcpProxy::Wake() {
  const char byte = 0;
  const ssize_t n = write(wake_[1], &byte, 1);
  HENGE_CHECK(n == 1 || errno == EAGAIN);  // full: it is awake
}

void TcpProxy::Accept() {
  const int incoming = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (incoming < 0) return;
  if (reset_next_ > 0) {
    --reset_next_;
    SetResetOnClose(incoming);
    close(incoming);
    return;
  }
  const int on = 1;
  setsockopt(incoming, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  auto pipe = std::make_unique<Pipe>();
  pipe->fds[0] = incoming;
  pipe->fds[1] = MakeSocket();
  const sockaddr_in to = AddressOf(target_);
  const int connected = connect(pipe->fds[1], reinterpret_cast<const sockaddr*>(&to), sizeof(to));
  if (connected == 0 || errno == EINPROGRESS) pipes_.push_back(std::move(pipe));
}

void TcpProxy::Turn(const Rules& rules) {
  const Clock::time_point now = Clock::now();
  Clock::time_point wake_at = Clock::time_point::max();
  const bool connecting = !rules[0].cut && !rules[1].cut;
  std::vector<pollfd> polled = {{wake_[0], POLLIN, 0}, {connecting ? listener_ : -1, POLLIN, 0}};
  for (const auto& pipe : pipes_) {
    for (int end : {0, 1}) polled.push_back(pipe->Polled(end, rules, now, &wake_at));
  }
  int timeout_ms = -1;
  if (wake_at != Clock::time_point::max()) {
    timeout_ms = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(wake_at - now).count());
  }
  poll(polled.data(), polled.size(), timeout_ms);
  char sink[64];
  while (read(wake_[0], sink, sizeof(sink)) > 0) {
  }
  if (polled[0].revents != 0) return;  // the rules may be others now
  size_t at = 2;
  std::erase_if(pipes_, [&](const std::unique_ptr<Pipe>& pipe) {
    const pollfd& first = polled[at++];
    const pollfd& second = polled[at++];
    return !pipe->Move(0, first, rules[0]) || !pipe->Move(1, second, rules[1]);
  });
  if ((polled[1].revents & POLLIN) != 0) Accept();
}

void TcpProxy::Run() {
  while (!stop_) {
    Rules rules;
    bool reset = false;
    {
      std::lock_guard lock(mutex_);
      rules = rules_;
      reset = std::exchange(reset_, false);
    }
    if (reset) {
      for (const auto& pipe : pipes_) pipe->ResetOnClose();
      pipes_.clear();
    }
    Turn(rules);
  }
  pipes_.clear();
}

}  // namespace henge::chaos
