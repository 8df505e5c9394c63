// Whether a body comes on. One that hardly does has no end: each stretch of time brings so much, or
// it is over. Used by one thread.
#pragma once

#include <chrono>
#include <cstdint>

namespace penstock::fetch {

class Pace {
 public:
  Pace(std::uint64_t least, std::chrono::milliseconds in) : least_(least), in_(in) {}
  void Begin() { since_ = std::chrono::steady_clock::now(); }
  bool Holds(std::size_t more) {
    bytes_ += more;
    const auto now = std::chrono::steady_clock::now();
    if (now - since_ < in_) return true;
    const bool enough = bytes_ >= least_;
    since_ = now;
    bytes_ = 0;
    return enough;
  }

 private:
  const std::uint64_t least_;
  const std::chrono::milliseconds in_;
  std::chrono::steady_clock::time_point since_;
  std::uint64_t bytes_ = 0;
};

}  // namespace penstock::fetch
