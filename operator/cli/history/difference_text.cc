#include "operator/cli/history/difference_text.h"

#include <algorithm>
#include <utility>

namespace penstock::cli {
namespace {

constexpr std::size_t kWidth = 24;  // of a value in a table

// Two texts that differ, from a little before where they do.
std::pair<std::string, std::string> FromWhereTheyDiffer(const std::string& before,
                                                        const std::string& after) {
  const auto at = static_cast<std::size_t>(
      std::mismatch(before.begin(), before.end(), after.begin(), after.end()).first -
      before.begin());
  std::size_t from = at < kWidth / 3 ? 0 : at - kWidth / 3;
  while (from > 0 && (static_cast<unsigned char>(before[from]) & 0xc0) == 0x80) --from;
  const auto cut = [from](const std::string& text) {
    return Elide("…" + text.substr(from), kWidth);
  };
  return {cut(before), cut(after)};
}

std::string TextOf(const Json& value) {
  return OneLine(value.is_string() ? value.get<std::string>() : value.dump());
}

std::pair<std::string, std::string> SideBySide(const Json& before, const Json& after) {
  std::pair<std::string, std::string> shown{ShortValue(before, kWidth), ShortValue(after, kWidth)};
  if (shown.first != shown.second) return shown;
  return FromWhereTheyDiffer(TextOf(before), TextOf(after));
}

}  // namespace

std::string ShortValue(const Json& value, std::size_t width) {
  if (value.is_null()) return "-";
  std::string text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.size() == 71 && text.starts_with("sha256:")) return text.substr(0, 15);
  return Elide(OneLine(text), width);
}

std::string Describe(const Difference& difference) {
  if (difference.before.is_null()) {
    return difference.what + " is new: " + ShortValue(difference.after);
  }
  if (difference.after.is_null()) {
    return difference.what + " is gone: " + ShortValue(difference.before);
  }
  return difference.what + " was " + ShortValue(difference.before) + ", is " +
         ShortValue(difference.after);
}

Table DiffTable(const Json& difference) {
  Table table{{"STEP", "WHAT", difference.value("before", ""), difference.value("after", "")}, {}};
  for (const char* part : {"parameters", "steps", "metrics"}) {
    for (const Json& entry : difference.at(part)) {
      if (entry["before"] == entry["after"]) continue;  // metrics are compared whole
      const std::string step = entry.value("step", "");
      const std::string prefix = std::string(part) == "parameters" ? "parameters." : "";
      auto [before, after] = SideBySide(entry["before"], entry["after"]);
      table.rows.push_back({step.empty() ? "-" : step, prefix + entry.value("what", ""),
                            std::move(before), std::move(after)});
    }
  }
  return table;
}

}  // namespace penstock::cli
