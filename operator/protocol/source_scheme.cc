#include "operator/protocol/source_scheme.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace penstock {
namespace {

constexpr std::array<std::string_view, 9> kSchemes{"file", "http",  "https",   "s3",      "gs",
                                                   "az",   "abfss", "webhdfs", "swebhdfs"};

}  // namespace

bool IsSourceScheme(const std::string& scheme) {
  return std::find(kSchemes.begin(), kSchemes.end(), scheme) != kSchemes.end();
}

std::string SourceSchemes() {
  std::string out;
  for (const auto scheme : kSchemes) out += std::string(scheme) + "://, ";
  return out + "and tables by delta+s3://, delta+file://, iceberg+s3:// and iceberg+file://";
}

}  // namespace penstock
