#include "operator/protocol/volume_path.h"

#include <algorithm>
#include <cctype>

namespace penstock {

std::string WhyNoPathInVolume(std::string_view path) {
  const std::string said = "'" + std::string(path) + "' ";
  if (path.empty()) return "is required: a path in the volume";
  if (path.front() == '/') return said + "is absolute; write a path within the volume";
  if (path.find('\0') != std::string_view::npos) return "holds a zero byte";
  for (std::size_t at = 0; at <= path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    if (path.substr(at, end - at) == "..") return said + "leads out of the volume; remove '..'";
    at = end + 1;
  }
  return "";
}

std::string WhyNoFileInVolume(std::string_view path) {
  std::string why = WhyNoPathInVolume(path);
  if (why.empty() && path.starts_with(".."))
    why = "'" + std::string(path) + "' begins with '..', which is the kubelet's";
  return why;
}

std::string WhyNoConfigKey(std::string_view key) {
  const bool good = !key.empty() && key.size() <= 253 && !key.starts_with("..") && key != "." &&
                    std::all_of(key.begin(), key.end(), [](unsigned char c) {
                      return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
                    });
  if (good) return "";
  return "'" + std::string(key) +
         "' is no key: letters, digits, '-', '_' and '.', at most 253, and no '..' in front";
}

}  // namespace penstock
