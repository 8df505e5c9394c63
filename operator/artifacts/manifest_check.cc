#include "operator/artifacts/manifest_check.h"

#include <algorithm>
#include <string_view>

namespace penstock::artifacts {
namespace {

constexpr std::size_t kMaxPath = 4096;
constexpr std::size_t kMaxPart = 255;
constexpr std::uint64_t kMaxSize = 1ULL << 50;

std::uint64_t BlockCount(std::uint64_t size) {
  return size <= kBlockBytes ? 0 : (size + kBlockBytes - 1) / kBlockBytes;
}

bool IsSafePath(std::string_view path) {
  if (path.empty() || path.size() > kMaxPath || path.find('\0') != std::string_view::npos)
    return false;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const std::string_view part = path.substr(begin, end - begin);
    if (part.empty() || part == "." || part == ".." || part.size() > kMaxPart) return false;
    begin = end + 1;
  }
  return true;
}

}  // namespace

bool IsHex64(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

Result<void> CheckManifestFile(const ManifestFile& f, std::uint64_t blocks,
                               const std::string& where) {
  if (!IsSafePath(f.path))
    return Invalid(where + ".path '" + f.path.substr(0, 80) + "' is not allowed");
  if (f.size > kMaxSize) return Invalid(where + ".size is over 1 PiB");
  if (!IsHex64(f.sha256)) return Invalid(where + ".sha256 is not 64 hex digits");
  if (blocks != BlockCount(f.size))
    return Invalid(where + " has " + std::to_string(blocks) + " blocks, its size needs " +
                   std::to_string(BlockCount(f.size)));
  return {};
}

Result<void> PathOrder::Take(const std::string& path) {
  if (!beginnings_.empty() && path == last_)
    return Invalid("the manifest names '" + path.substr(0, 80) + "' twice");
  if (!beginnings_.empty() && path < last_)
    return Invalid("the manifest's files are not sorted by path");
  // What is no beginning of this path is none of a later one either.
  const auto same = static_cast<std::size_t>(
      std::mismatch(last_.begin(), last_.end(), path.begin(), path.end()).first - last_.begin());
  while (!beginnings_.empty() && beginnings_.back() > same) beginnings_.pop_back();
  // The longest one says it for the others: their next byte in it is their next byte here.
  if (!beginnings_.empty() && path[beginnings_.back()] == '/')
    return Invalid("the manifest has '" +
                   path.substr(0, std::min<std::size_t>(beginnings_.back(), 80)) +
                   "' as a file and a folder");
  last_ = path;
  beginnings_.push_back(path.size());
  return {};
}

}  // namespace penstock::artifacts
