#include "node/grpc/listen_address.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "core/runtime/status_macros.h"

namespace henge {
namespace {

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

struct HostPort {
  std::string host;
  std::string port;
};

HostPort SplitAddress(const std::string& address) {
  const size_t colon = address.rfind(':');
  if (colon == std::string::npos) return {address, "0"};
  std::string host = address.substr(0, colon);
  if (host.size() >= 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return {host, address.substr(colon + 1)};
}

absl::StatusOr<AddressList> Resolve(const std::string& address) {
  const HostPort parts = SplitAddress(address);
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = getaddrinfo(parts.host.c_str(), parts.port.c_str(), &hints, &list);
  if (error != 0) {
    return absl::InvalidArgumentError(absl::StrCat("can't listen on ", address, ": ", gai_strerror(error),
                                                   ". Give a host name or address of this machine"));
  }
  return AddressList(list, &freeaddrinfo);
}

absl::Status BindFailure(const std::string& address, int error) {
  const std::string what = absl::StrCat("can't listen on ", address, ": ", std::strerror(error));
  switch (error) {
    case EADDRINUSE:
      return absl::UnavailableError(
          absl::StrCat(what,
                       ". Another process listens there (perhaps this node already runs): stop it, or give another "
                       "port"));
    case EACCES:
      return absl::PermissionDeniedError(
          absl::StrCat(what, ". Give a port from 1024 up, or the right to use this one"));
    case EADDRNOTAVAIL:
      return absl::InvalidArgumentError(absl::StrCat(what, ". The host is not an address of this machine"));
    default:
      return absl::UnavailableError(what);
  }
}

// Binds a socket to the first of `list`; the port that it got.
absl::StatusOr<int> TryBind(const std::string& address, const addrinfo& first) {
  const int fd = socket(first.ai_family, first.ai_socktype | SOCK_CLOEXEC, first.ai_protocol);
  if (fd < 0) return BindFailure(address, errno);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_storage bound{};
  socklen_t length = sizeof(bound);
  int error = 0;
  if (bind(fd, first.ai_addr, first.ai_addrlen) != 0 || listen(fd, 1) != 0 ||
      getsockname(fd, reinterpret_cast<sockaddr*>(&bound), &length) != 0) {
    error = errno;
  }
  close(fd);
  if (error != 0) return BindFailure(address, error);
  const in_port_t port = bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port
                                                     : reinterpret_cast<sockaddr_in*>(&bound)->sin_port;
  return ntohs(port);
}

}  // namespace

absl::StatusOr<std::string> WithFreePort(const std::string& address) {
  if (SplitAddress(address).port != "0") return address;
  HENGE_ASSIGN_OR_RETURN(AddressList list, Resolve(address));
  HENGE_ASSIGN_OR_RETURN(int port, TryBind(address, *list));
  return absl::StrCat(address.substr(0, address.rfind(':')), ":", port);
}

absl::Status ExplainListenFailure(const std::string& address) {
  absl::StatusOr<AddressList> list = Resolve(address);
  if (!list.ok()) return list.status();
  if (absl::StatusOr<int> bound = TryBind(address, **list); !bound.ok()) return bound.status();
  return absl::UnavailableError(absl::StrCat("can't listen on ", address, ": it was taken a moment ago, try again"));
}

}  // namespace henge
