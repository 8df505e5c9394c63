#include "operator/api/manifest.h"

#include <algorithm>
#include <set>

#include "operator/api/meta.h"
#include "operator/api/yaml/yaml_scalar.h"
#include "operator/api/yaml/yaml_tree.h"
#include "operator/base/shown_text.h"
#include "operator/base/whole_number.h"

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

// Makes JSON of a tree and notes where each value stands, and how it was written.
class Converter {
 public:
  Converter(ManifestDocument* document, std::size_t most_values)
      : document_(document), most_values_(most_values) {}

  Result<Json> Value(const YamlNode& n, const std::string& path) {
    if (++values_ > most_values_)
      return ErrorAt(n, "the aliases make more than " + std::to_string(most_values_) + " values");
    if (!path.empty()) document_->lines.emplace(path, n.line);
    if (n.kind == YamlNode::kScalar) return Scalar(n, path);
    if (depth_ >= kMaxYamlDepth) return ErrorAt(n, "nested deeper than 256 levels");
    ++depth_;
    auto value = n.kind == YamlNode::kSequence ? Sequence(n, path) : Mapping(n, path);
    --depth_;
    return value;
  }

 private:
  Result<Json> Scalar(const YamlNode& n, const std::string& path) {
    auto value = ScalarValue(n);
    const bool as_written = !value || !n.plain || value->is_string() || value->is_null();
    if (!as_written && value->dump() != n.text) document_->written[path] = n.text;
    if (!as_written && IsRounded(WithoutUnderscores(n.text), *value))
      document_->rounded[path] = n.text;
    return value;
  }

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
      document_->lines[child] = key->line;
      if (key->plain && *name != key->text) document_->written_names[child] = key->text;
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

  ManifestDocument* document_;
  std::size_t most_values_;
  std::size_t values_ = 0;
  std::size_t depth_ = 0;  // aliases can make it more than that of the text
};

// "items[3].spec" of a List is "spec" of its fourth object.
template <typename T>
std::map<std::string, T> Below(const std::map<std::string, T>& all, const std::string& prefix) {
  std::map<std::string, T> out;
  for (auto it = all.lower_bound(prefix); it != all.end() && it->first.rfind(prefix, 0) == 0;
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
    const std::string at = ItemPath("items", i);
    ManifestDocument item{(*items)[i], Below(document.lines, at), Below(document.written, at),
                          Below(document.written_names, at), Below(document.rounded, at)};
    if (auto added = Append(std::move(item), out); !added) return added;
  }
  return {};
}

bool BeginsLikeJson(const std::string& text) {
  const std::size_t at = text.find_first_not_of(" \t\r\n");
  return at != std::string::npos && text[at] == '{';
}

Result<void> AddTree(const YamlNode& tree, std::vector<ManifestDocument>* out) {
  ManifestDocument document;
  auto object = Converter(&document, MostValues(tree)).Value(tree, "");
  if (!object) return object.error();
  document.object = *std::move(object);
  document.lines[""] = tree.line;
  return Append(std::move(document), out);
}

Result<std::vector<ManifestDocument>> FromYaml(const std::string& text, std::vector<Error>* wrong) {
  const auto trees = ParseYaml(text);
  if (!trees) return trees.error();
  std::vector<ManifestDocument> out;
  for (const auto& tree : *trees) {
    auto added = AddTree(*tree, &out);
    if (!added && wrong == nullptr) return added.error();
    if (!added) wrong->push_back(added.error());
  }
  return out;
}

// Where the first byte is that is no UTF-8: line and column, in characters. 0: nowhere, or the text
// is UTF-16 or UTF-32.
struct Place {
  int line = 0;
  std::size_t column = 0;
};
std::size_t ColumnThatIsNoUtf8(std::string_view line) {
  std::size_t column = 1;
  for (std::size_t length = 1; length <= 4 && !line.empty(); ++length) {
    if (!IsUtf8(line.substr(0, length))) continue;
    line.remove_prefix(std::min(length, line.size()));
    ++column;
    length = 0;
  }
  return column;
}
Place PlaceThatIsNoUtf8(const std::string& text) {
  if (text.rfind("\xFF\xFE", 0) == 0 || text.rfind("\xFE\xFF", 0) == 0 ||
      text.substr(0, 4).find('\0') != std::string::npos)
    return {};
  int line = 1;
  for (std::size_t at = 0; at < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto whole = std::string_view(text).substr(at, end - at);
    if (!IsUtf8(whole)) return {line, ColumnThatIsNoUtf8(whole)};
    at = end + 1;
  }
  return {};
}

Result<std::vector<ManifestDocument>> FromText(const std::string& text, std::vector<Error>* wrong) {
  if (const Place place = PlaceThatIsNoUtf8(text); place.line > 0)
    return Invalid(
        "line " + std::to_string(place.line) +
        ": the text is not UTF-8; save the file in that encoding (the first byte that is " +
        "not stands in column " + std::to_string(place.column) + ")");
  if (!BeginsLikeJson(text)) return FromYaml(text, wrong);
  auto json = ParseJson(text, "the text");
  auto yaml = FromYaml(text, json ? nullptr : wrong);
  // JSON is YAML, but for some escapes; and YAML in one line looks like JSON.
  if (yaml || !json) return yaml;
  ReadNumbersAsKubernetes(*json);
  std::vector<ManifestDocument> out;
  ManifestDocument document{*std::move(json), {{"", 1}}, {}, {}, {}};
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
                                                     const std::string& source,
                                                     std::vector<Error>* wrong) {
  std::vector<Error> found;
  auto out = FromText(text, wrong == nullptr ? nullptr : &found);
  if (!out) return Wrap(source, std::move(out).error());
  for (Error& error : found) wrong->push_back(Wrap(source, std::move(error)));
  return out;
}

}  // namespace penstock::api
