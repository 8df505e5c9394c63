#include "operator/metadata/packed.h"

#include <array>
#include <charconv>

#include "operator/archive/gzip.h"
#include "operator/base/base64.h"

namespace penstock::metadata {
namespace {

constexpr std::size_t kMaxUnpacked = 64ULL << 20;

}  // namespace

std::string Pack(const std::string& text) { return EncodeBase64(archive::Gzip(text)); }

Result<std::string> Unpack(const std::string& column) {
  const auto bytes = DecodeBase64(column);
  if (!bytes) return Internal("what is kept is no base64");
  auto text = archive::Gunzip(*bytes, kMaxUnpacked);
  if (!text) return Internal("what is kept does not decompress: " + text.error().message);
  return text;
}

std::string FormatCounts(const StepCounts& c) {
  std::string text;
  for (const int count : {c.total, c.succeeded, c.failed, c.running, c.cached, c.skipped})
    text += (text.empty() ? "" : ",") + std::to_string(count);
  return text;
}

StepCounts ParseCounts(const std::string& column) {
  std::array<int, 6> n{};
  const char* at = column.data();
  const char* const end = at + column.size();
  for (int& count : n) {
    const auto read = std::from_chars(at, end, count);
    if (read.ec != std::errc()) return {};
    at = read.ptr == end ? end : read.ptr + 1;
  }
  return {n[0], n[1], n[2], n[3], n[4], n[5]};
}

}  // namespace penstock::metadata
