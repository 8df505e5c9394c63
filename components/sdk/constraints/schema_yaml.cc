#include "components/sdk/constraints/schema_yaml.h"

#include <algorithm>
#include <set>

#include "operator/base/nearest.h"
#include "operator/base/shown_text.h"

namespace penstock::sdk {

Error At(const YAML::Node& node, const std::string& problem) {
  return Invalid("line " + std::to_string(node.Mark().line + 1) + ": " + problem);
}

Result<void> CheckKeys(const YAML::Node& map, const std::vector<std::string>& known) {
  std::set<std::string> seen;
  for (const auto& entry : map) {
    const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "?";
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return At(entry.first, "'" + plan::Shown(key, 80) + "' is unknown" + DidYouMean(key, known));
    }
    if (!seen.insert(key).second) return At(entry.first, "'" + key + "' stands twice");
  }
  return {};
}

Result<std::string> TextOf(const YAML::Node& map, const char* key) {
  const YAML::Node node = map[key];
  if (!node.IsScalar()) return At(node, std::string(key) + " must be a text");
  if (!IsUtf8(node.Scalar())) return At(node, std::string(key) + " is no UTF-8");
  return node.Scalar();
}

}  // namespace penstock::sdk
