#include "node/real/os_random.h"

#include <sys/random.h>

#include <cerrno>

#include "core/runtime/check.h"

namespace henge {
namespace {

Xoshiro::Seed SeedFromSystem() {
  Xoshiro::Seed seed;
  for (;;) {
    const ssize_t got = getrandom(seed.data(), sizeof(seed), 0);
    if (got == static_cast<ssize_t>(sizeof(seed))) return seed;
    // A request this small is never cut short; a signal may interrupt only the wait for the pool at boot.
    HENGE_CHECK(got < 0 && errno == EINTR);
  }
}

}  // namespace

OsRandom::OsRandom() : Xoshiro(SeedFromSystem()) {}

}  // namespace henge
