#include "components/serve/protocol/growing_body.h"

#include <algorithm>
#include <utility>

namespace penstock::serve {
namespace {

constexpr std::size_t kPiece = 256U << 10;
constexpr std::size_t kPadding = 64;  // at least simdjson's

}  // namespace

void GrowingBody::Announce(std::uint64_t bytes) {
  first_.reserve(static_cast<std::size_t>(std::min<std::uint64_t>(bytes, kSmall)) + kPadding);
}

void GrowingBody::Append(std::string_view bytes) {
  size_ += bytes.size();
  const std::string_view small = bytes.substr(0, kSmall - std::min(kSmall, first_.size()));
  first_.append(small);
  bytes.remove_prefix(small.size());
  while (!bytes.empty()) {
    if (pieces_.empty() || pieces_.back().size() == kPiece) pieces_.emplace_back().reserve(kPiece);
    std::string& last = pieces_.back();
    const std::string_view part = bytes.substr(0, kPiece - last.size());
    last.append(part);
    bytes.remove_prefix(part.size());
  }
}

std::string GrowingBody::Take() {
  std::string whole = std::move(first_);
  if (!pieces_.empty()) {
    whole.reserve(size_ + kPadding);
    for (std::string& piece : pieces_) {
      whole.append(piece);
      piece = {};  // it is never held twice
    }
  }
  *this = {};
  return whole;
}

}  // namespace penstock::serve
