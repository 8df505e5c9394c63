#include "operator/cli/history/difference_text.h"

namespace penstock::cli {

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
      const std::string step = entry.value("step", "");
      const std::string prefix = std::string(part) == "parameters" ? "parameters." : "";
      table.rows.push_back({step.empty() ? "-" : step, prefix + entry.value("what", ""),
                            ShortValue(entry["before"], 24), ShortValue(entry["after"], 24)});
    }
  }
  return table;
}

}  // namespace penstock::cli
