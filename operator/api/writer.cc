#include "operator/api/writer.h"

namespace penstock::api {

std::string Writer::Cut(const std::string& text, std::size_t max) const {
  if (!cut_ || CodePoints(text) <= max) return text;
  const std::size_t keep = max > 3 ? max - 3 : max;
  std::size_t at = 0;
  for (std::size_t n = 0; at < text.size(); ++at) {
    const bool starts = (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
    if (starts && n++ == keep) break;
  }
  return text.substr(0, at) + (max > 3 ? "..." : "");
}

}  // namespace penstock::api
