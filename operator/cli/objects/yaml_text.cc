// The output forms that are no tables.
#include "operator/views/run/yaml_text.h"

#include "operator/base/json.h"
#include "operator/cli/objects/object_table.h"

namespace penstock::cli {
Result<OutputFormat> ParseOutputFormat(const std::string& text) {
  if (text.empty()) return OutputFormat::kTable;
  if (text == "wide") return OutputFormat::kWide;
  if (text == "json") return OutputFormat::kJson;
  if (text == "yaml") return OutputFormat::kYaml;
  if (text == "name") return OutputFormat::kName;
  return Invalid("output \"" + text + "\" is not known; choose json, yaml, name or wide");
}

std::string ToJsonText(const std::vector<Json>& objects, bool single) {
  if (single && objects.size() == 1) return objects[0].dump(4) + "\n";
  const Json list = {{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}};
  return list.dump(4) + "\n";
}

std::string ToYamlText(const std::vector<Json>& objects, bool single) {
  if (single && objects.size() == 1) return views::YamlText(objects[0]);
  return views::YamlText({{"apiVersion", "v1"}, {"kind", "List"}, {"items", objects}});
}

}  // namespace penstock::cli
