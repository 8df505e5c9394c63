#include "operator/api/manifest.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "operator/api/meta.h"
#include "operator/api/yaml_scalar.h"
#include "operator/api/yaml_tree.h"

namespace penstock::api {
namespace {

// The nodes that were written, each once, however often aliases show them.
std::size_t CountNodes(const YamlNode& n, std::set<const YamlNode*>* seen) {
  if (!seen->insert(&n).second) return 0;
  std::size_t count = 1;
  for (const auto& item : n.items) count += CountNodes(*item, seen);
  for (const auto& [key, value] : n.entries)
    count += CountNodes(*key, seen) + CountNodes(*value, seen);
  return count;
}

// Aliases may make ten times of what was written, and never less than 10,000 values.
std::size_t MostValues(const YamlNode& root) {
  std::set<const YamlNode*> seen;
  return 10'000 + 10 * CountNodes(root, &seen);
}

// Makes JSON of a tree and notes the line of each value.
class Converter {
 public:
  Converter(std::map<std::string, int>* lines, std::size_t most_values)
      : lines_(lines), most_values_(most_values) {}

  Result<Json> Value(const YamlNode& n, const std::string& path) {
    if (++values_ > most_values_)
      return ErrorAt(n, "the aliases make more than " + std::to_string(most_values_) + " values");
    if (!path.empty()) lines_->emplace(path, n.line);
    if (n.kind == YamlNode::kScalar) return ScalarValue(n);
    if (depth_ >= kMaxYamlDepth) return ErrorAt(n, "nested deeper than 256 levels");
    ++depth_;
    auto value = n.kind == YamlNode::kSequence ? Sequence(n, path) : Mapping(n, path);
    --depth_;
    return value;
  }

 private:
  Result<Json> Sequence(const YamlNode& n, const std::string& path) {
    Json out = Json::array();
    for (std::size_t i = 0; i < n.items.size(); ++i) {
      auto item = Value(*n.items[i], ItemPath(path, i));
      if (!item) return item;
      out.push_back(*std::move(item));
    }
    return out;
  }

  Result<Json> Mapping(const YamlNode& n, const std::string& path) {
    Json out = Json::object();
    std::map<std::string, int> own;  // keys said here, not merged
    for (const auto& [key, value] : n.entries) {
      if (key->kind == YamlNode::kScalar && key->plain && key->text == "<<") {
        if (auto merged = Merge(*value, path, &out); !merged) return merged.error();
        continue;
      }
      const auto name = Key(*key);
      if (!name) return name.error();
      const auto [it, fresh] = own.emplace(*name, key->line);
      if (!fresh)
        return ErrorAt(*key,
                       "\"" + *name + "\" was set already in line " + std::to_string(it->second));
      const std::string child = ChildPath(path, *name);
      (*lines_)[child] = key->line;
      auto item = Value(*value, child);
      if (!item) return item;
      out[*name] = *std::move(item);
    }
    return out;
  }

  // "<<: *x": the other mapping's entries, in the place where it stands (kubectl's reader lets a
  // merge win over what stands before it).
  Result<void> Merge(const YamlNode& value, const std::string& path, Json* out) {
    if (value.kind == YamlNode::kMapping) {
      const auto other = Value(value, path);
      if (!other) return other.error();
      for (const auto& [key, item] : other->items()) (*out)[key] = item;
      return {};
    }
    if (value.kind != YamlNode::kSequence)
      return ErrorAt(value, "<< takes a mapping or a list of them");
    // Of a list the first mapping wins.
    for (auto it = value.items.rbegin(); it != value.items.rend(); ++it) {
      if ((*it)->kind != YamlNode::kMapping)
        return ErrorAt(**it, "<< takes a mapping or a list of them");
      if (auto merged = Merge(**it, path, out); !merged) return merged;
    }
    return {};
  }

  static Result<std::string> Key(const YamlNode& n) {
    if (n.kind != YamlNode::kScalar)
      return ErrorAt(n, "a name must be a text, not a list or mapping");
    auto v = ScalarValue(n);
    if (!v) return v.error();
    if (v->is_null()) return ErrorAt(n, "a name must not be null; write it in quotes");
    return v->is_string() ? v->get<std::string>() : v->dump();
  }

  std::map<std::string, int>* lines_;
  std::size_t most_values_;
  std::size_t values_ = 0;
  std::size_t depth_ = 0;  // aliases can make it more than that of the text
};

// 1.0 is 1, as in YAML: Kubernetes' JSON has no other way to tell them apart.
void NormaliseNumbers(Json& j) {
  if (j.is_structured()) {
    for (auto& item : j) NormaliseNumbers(item);
  } else if (j.is_number_float()) {
    const double d = j.get<double>();
    if (std::floor(d) == d && std::fabs(d) < 9.2e18) j = static_cast<std::int64_t>(d);
  } else if (j.is_number_unsigned() && j.get<std::uint64_t>() > INT64_MAX) {
    j = j.get<double>();
  }
}

// "items[3].spec" of a List is "spec" of its fourth object.
std::map<std::string, int> LinesBelow(const std::map<std::string, int>& lines,
                                      const std::string& prefix) {
  std::map<std::string, int> out;
  for (auto it = lines.lower_bound(prefix); it != lines.end() && it->first.rfind(prefix, 0) == 0;
       ++it) {
    std::string rest = it->first.substr(prefix.size());
    if (rest.empty() || (rest[0] != '.' && rest[0] != '[')) {
      if (rest.empty()) out[""] = it->second;
      continue;
    }
    out[rest[0] == '.' ? rest.substr(1) : rest] = it->second;
  }
  return out;
}

Result<void> Append(ManifestDocument document, std::vector<ManifestDocument>* out) {
  if (document.object.is_null()) return {};
  const int line = document.LineOf("");
  if (!document.object.is_object())
    return Invalid("line " + std::to_string(line) +
                   ": a manifest is a mapping with apiVersion, kind and metadata");
  const auto kind = document.object.find("kind");
  if (kind == document.object.end() || *kind != "List") {
    out->push_back(std::move(document));
    return {};
  }
  const auto items = document.object.find("items");
  if (items == document.object.end() || !items->is_array()) return {};
  for (std::size_t i = 0; i < items->size(); ++i) {
    ManifestDocument item{(*items)[i], LinesBelow(document.lines, ItemPath("items", i))};
    if (auto added = Append(std::move(item), out); !added) return added;
  }
  return {};
}

bool BeginsLikeJson(const std::string& text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at != std::string::npos && text[at] == '{';
}

Result<std::vector<ManifestDocument>> FromYaml(const std::string& text) {
  const auto trees = ParseYaml(text);
  if (!trees) return trees.error();
  std::vector<ManifestDocument> out;
  for (const auto& tree : *trees) {
    ManifestDocument document;
    auto object = Converter(&document.lines, MostValues(*tree)).Value(*tree, "");
    if (!object) return object.error();
    document.object = *std::move(object);
    document.lines[""] = tree->line;
    if (auto added = Append(std::move(document), &out); !added) return added.error();
  }
  return out;
}

Result<std::vector<ManifestDocument>> FromText(const std::string& text) {
  if (!BeginsLikeJson(text)) return FromYaml(text);
  auto json = ParseJson(text, "the text");
  auto yaml = FromYaml(text);
  // JSON is YAML, but for some escapes; and YAML in one line looks like JSON.
  if (yaml || !json) return yaml;
  NormaliseNumbers(*json);
  std::vector<ManifestDocument> out;
  ManifestDocument document{*std::move(json), {{"", 1}}};
  if (auto added = Append(std::move(document), &out); !added) return added.error();
  return out;
}

}  // namespace

int ManifestDocument::LineOf(const std::string& path) const {
  std::string at = path;
  while (true) {
    if (const auto it = lines.find(at); it != lines.end()) return it->second;
    if (at.empty()) return 0;
    const std::size_t cut = at.find_last_of(".[");
    at = cut == std::string::npos ? "" : at.substr(0, cut);
  }
}

Result<std::vector<ManifestDocument>> ParseManifests(const std::string& text,
                                                     const std::string& source) {
  auto out = FromText(text);
  if (!out) return Wrap(source, std::move(out).error());
  return out;
}

}  // namespace penstock::api
