// Admission: how much client work may be in flight at once, by count and by bytes. More is refused at the edge, at
// once.
//
// Loop-affine.
#pragma once

#include <cstddef>
#include <utility>

namespace henge {

class Admission {
 public:
  // A place in the bounds; given back at its end. The Admission outlives it.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept : admission_(std::exchange(other.admission_, nullptr)), bytes_(other.bytes_) {}
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket() {
      if (admission_ != nullptr) admission_->Release(bytes_);
    }
    // False for a request that was refused.
    bool admitted() const { return admission_ != nullptr; }

   private:
    friend class Admission;
    Ticket(Admission* admission, size_t bytes) : admission_(admission), bytes_(bytes) {}

    Admission* admission_;
    size_t bytes_;
  };

  Admission(int count_max, size_t bytes_max) : count_max_(count_max), bytes_max_(bytes_max) {}
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  // One request of `bytes` is let in even if it alone is larger than the bound on bytes, else it could never run.
  Ticket Enter(size_t bytes) {
    const bool full = count_ >= count_max_ || (count_ > 0 && bytes_ + bytes > bytes_max_);
    if (full) return Ticket(nullptr, 0);
    ++count_;
    bytes_ += bytes;
    return Ticket(this, bytes);
  }

  int count() const { return count_; }
  size_t bytes() const { return bytes_; }

 private:
  void Release(size_t bytes) {
    --count_;
    bytes_ -= bytes;
  }

  int count_max_;
  size_t bytes_max_;
  int count_ = 0;
  size_t bytes_ = 0;
};

}  // namespace henge
