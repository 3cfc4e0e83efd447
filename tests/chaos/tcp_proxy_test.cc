// The proxy that the tests of faults trust: each way on its own, cut, delayed, throttled, reset.
#include "tests/chaos/tcp_proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "tests/free_address.h"

namespace henge::chaos {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kPatienceMs = 10'000;
constexpr int kSilenceMs = 200;  // in which nothing must come

sockaddr_in Resolved(const std::string& address) {
  const size_t colon = address.rfind(':');
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<uint16_t>(std::stoi(address.substr(colon + 1))));
  inet_pton(AF_INET, address.substr(0, colon).c_str(), &out.sin_addr);
  return out;
}

// Two ends of a connection through a proxy.
class TcpProxyTest : public ::testing::Test {
 protected:
  TcpProxyTest() {
    const std::string server = FreeAddress(), door = FreeAddress();
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at = Resolved(server);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    proxy_ = std::make_unique<TcpProxy>(door, server);
    near_ = socket(AF_INET, SOCK_STREAM, 0);
    at = Resolved(door);
    EXPECT_EQ(connect(near_, reinterpret_cast<sockaddr*>(&at), sizeof(at)), 0);
    EXPECT_TRUE(Readable(listener_, kPatienceMs));
    far_ = accept(listener_, nullptr, nullptr);
  }
  ~TcpProxyTest() override {
    for (int fd : {near_, far_, listener_}) close(fd);
  }

  static bool Readable(int fd, int timeout_ms) {
    pollfd polled{fd, POLLIN, 0};
    return poll(&polled, 1, timeout_ms) == 1;
  }
  static void Send(int fd, const std::string& bytes) {
    ASSERT_EQ(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }
  // `count` bytes, or those that came before the end.
  static std::string Take(int fd, size_t count) {
    std::string all;
    char buffer[4096];
    while (all.size() < count && Readable(fd, kPatienceMs)) {
      const ssize_t n = recv(fd, buffer, std::min(sizeof(buffer), count - all.size()), 0);
      if (n <= 0) break;
      all.append(buffer, static_cast<size_t>(n));
    }
    return all;
  }

  int listener_ = -1, near_ = -1, far_ = -1;
  std::unique_ptr<TcpProxy> proxy_;
};

TEST_F(TcpProxyTest, AWayThatIsCutPassesNothingTheOtherEverythingAndTheRestComesAfterTheHeal) {
  Send(near_, "a");
  EXPECT_EQ(Take(far_, 1), "a");
  proxy_->SetRule(LinkWay::kForward, {.cut = true});
  Send(near_, "b");
  EXPECT_FALSE(Readable(far_, kSilenceMs));
  Send(far_, "c");
  EXPECT_EQ(Take(near_, 1), "c");
  proxy_->Heal();
  EXPECT_EQ(Take(far_, 1), "b");
}

TEST_F(TcpProxyTest, ADelayHoldsBytesBackAndKeepsTheirOrder) {
  proxy_->SetRule(LinkWay::kForward, {.delay = milliseconds(300)});
  const auto began = steady_clock::now();
  Send(near_, "one");
  Send(near_, "two");
  EXPECT_EQ(Take(far_, 6), "onetwo");
  EXPECT_GE(steady_clock::now() - began, milliseconds(300));
}

TEST_F(TcpProxyTest, AThrottledWayTakesItsTime) {
  proxy_->SetRule(LinkWay::kForward, {.bytes_per_second = 20'000});
  const auto began = steady_clock::now();
  Send(near_, std::string(10'000, 'x'));
  EXPECT_EQ(Take(far_, 10'000).size(), 10'000u);
  EXPECT_GE(steady_clock::now() - began, milliseconds(400));
}

TEST_F(TcpProxyTest, AResetEndsBothSides) {
  Send(near_, "a");
  EXPECT_EQ(Take(far_, 1), "a");
  proxy_->Reset();
  for (int fd : {near_, far_}) {
    char byte = 0;
    ASSERT_TRUE(Readable(fd, kPatienceMs));
    EXPECT_EQ(recv(fd, &byte, 1, 0), -1);
    EXPECT_EQ(errno, ECONNRESET);
  }
}

}  // namespace
}  // namespace henge::chaos
