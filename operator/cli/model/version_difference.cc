#include "operator/cli/model/version_difference.h"

#include <set>

#include "operator/base/json.h"
#include "operator/cli/objects/table.h"

namespace penstock::cli {

std::vector<VersionDifference> DifferencesOf(const api::RegisteredVersion& before,
                                             const api::RegisteredVersion& after) {
  const Json a = api::Encode(before)["spec"].flatten(), b = api::Encode(after)["spec"].flatten();
  std::set<std::string> keys;
  for (const auto& [key, value] : a.items()) keys.insert(key);
  for (const auto& [key, value] : b.items()) keys.insert(key);
  std::vector<VersionDifference> differences;
  for (const std::string& key : keys) {
    const auto text = [&](const Json& side) {
      return side.contains(key) ? OneLine(side[key].dump()) : std::string("-");
    };
    if (text(a) != text(b)) differences.push_back({key.substr(1), text(a), text(b)});
  }
  return differences;
}

}  // namespace penstock::cli
