#include "operator/plan/resolve/component_version.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "operator/base/json.h"

namespace penstock::plan {
namespace {

using Version = std::vector<std::uint64_t>;

// nullopt when it is not one to three numbers.
std::optional<Version> ParseVersion(const std::string& text) {
  Version out;
  const char* at = text.data();
  const char* end = at + text.size();
  while (true) {
    std::uint64_t number = 0;
    const auto [next, error] = std::from_chars(at, end, number);
    if (error != std::errc{} || out.size() == 3) return std::nullopt;
    out.push_back(number);
    if (next == end) return out;
    if (*next != '.') return std::nullopt;
    at = next + 1;
  }
}

bool IsPrefix(const Version& prefix, const Version& version) {
  return prefix.size() <= version.size() &&
         std::equal(prefix.begin(), prefix.end(), version.begin());
}

std::string Existing(const std::vector<api::Component>& candidates) {
  std::vector<std::pair<Version, std::string>> versions;
  for (const auto& c : candidates)
    if (auto v = ParseVersion(c.spec.version)) versions.emplace_back(*v, c.spec.version);
  std::sort(versions.begin(), versions.end());
  std::string out;
  for (const auto& [v, text] : versions) out += (out.empty() ? "" : ", ") + text;
  return out;
}

}  // namespace

Result<api::Component> PickComponent(const api::ComponentRef& wanted,
                                     const std::vector<api::Component>& candidates) {
  const auto prefix = ParseVersion(wanted.version);
  if (!prefix)
    return Invalid("version '" + wanted.version +
                   "' is none; write 1 for the highest 1.x.y, or 1.4.0 for exactly that");
  const api::Component* best = nullptr;
  Version best_version;
  for (const auto& c : candidates) {
    const auto version = ParseVersion(c.spec.version);
    if (!version || !IsPrefix(*prefix, *version)) continue;
    if (best != nullptr && *version <= best_version) continue;
    best = &c;
    best_version = *version;
  }
  if (best != nullptr) return *best;
  const std::string where =
      wanted.library ? "the library (library: true)" : "this namespace (library: false)";
  const std::string existing = Existing(candidates);
  if (existing.empty())
    return NotFound("there is no Component '" + wanted.name + "' in " + where +
                    "; apply one, or say library: " + (wanted.library ? "false" : "true"));
  return NotFound("there is no version " + wanted.version + " of Component '" + wanted.name +
                  "' in " + where + "; it has " + existing);
}

}  // namespace penstock::plan
