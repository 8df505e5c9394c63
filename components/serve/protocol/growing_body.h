// The body of a request while it arrives or is inflated. Grows with the bytes that came, not with
// the length that the client announced, and never moves them: a body of any size costs the thread
// that reads it no more than its bytes do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::serve {

class GrowingBody {
 public:
  // Up to here it is one string.
  static constexpr std::size_t kSmall = 64U << 10;

  // What the client announced; room is made for no more than a small body.
  void Announce(std::uint64_t bytes);
  void Append(std::string_view bytes);
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool IsSmall() const { return pieces_.empty(); }
  // All of it as one string with room for what the JSON parser wants behind it; empty afterwards.
  // Takes the time of copying it unless it is small.
  [[nodiscard]] std::string Take();

 private:
  std::string first_;                // full when there are pieces
  std::vector<std::string> pieces_;  // each full, but for the last
  std::size_t size_ = 0;
};

}  // namespace penstock::serve
