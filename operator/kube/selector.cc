#include "operator/kube/selector.h"

#include <algorithm>
#include <cctype>

#include "operator/base/json.h"

namespace penstock::kube {
namespace {

std::string_view Trim(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return s;
}

// Splits at commas that are outside parentheses.
std::vector<std::string_view> SplitTopLevel(std::string_view text) {
  std::vector<std::string_view> out;
  int depth = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && depth == 0)) {
      out.push_back(Trim(text.substr(begin, i - begin)));
      begin = i + 1;
    } else if (text[i] == '(') {
      ++depth;
    } else if (text[i] == ')') {
      --depth;
    }
  }
  return out;
}

bool IsKey(std::string_view s) {
  return !s.empty() && std::all_of(s.begin(), s.end(), [](unsigned char c) {
    return std::isalnum(c) || c == '-' || c == '_' || c == '.' || c == '/';
  });
}

Error BadRequirement(std::string_view text) {
  return Invalid("selector requirement `" + std::string(text) + "` cannot be read");
}

// The string at a dotted path, or "" where it is absent.
std::string FieldText(const Json& object, std::string_view path) {
  const Json* at = &object;
  while (!path.empty()) {
    const auto dot = path.find('.');
    const std::string part(path.substr(0, dot));
    if (!at->is_object() || !at->contains(part)) return "";
    at = &(*at)[part];
    path = dot == std::string_view::npos ? std::string_view{} : path.substr(dot + 1);
  }
  if (at->is_string()) return at->get<std::string>();
  return at->is_structured() || at->is_null() ? "" : at->dump();
}

}  // namespace

Result<LabelSelector::Requirement> LabelSelector::ParseRequirement(std::string_view text) {
  Requirement r;
  const auto equals = text.find('=');
  if (equals != std::string_view::npos) {
    const bool negative = equals > 0 && text[equals - 1] == '!';
    std::string_view value = text.substr(equals + 1);
    if (!value.empty() && value.front() == '=') value.remove_prefix(1);
    r.key = Trim(text.substr(0, negative ? equals - 1 : equals));
    r.op = negative ? Operator::kNotIn : Operator::kIn;
    r.values = {std::string(Trim(value))};
  } else if (const auto open = text.find('('); open != std::string_view::npos) {
    if (text.back() != ')') return BadRequirement(text);
    const std::string_view head = Trim(text.substr(0, open));
    const auto space = head.find_last_of(" \t");
    if (space == std::string_view::npos) return BadRequirement(text);
    const std::string_view word = head.substr(space + 1);
    if (word != "in" && word != "notin") return BadRequirement(text);
    r.op = word == "in" ? Operator::kIn : Operator::kNotIn;
    r.key = Trim(head.substr(0, space));
    for (auto v : SplitTopLevel(text.substr(open + 1, text.size() - open - 2))) {
      r.values.emplace_back(v);
    }
  } else if (text.front() == '!') {
    r.op = Operator::kNotExists;
    r.key = Trim(text.substr(1));
  } else {
    r.key = text;
  }
  if (!IsKey(r.key)) return BadRequirement(text);
  return r;
}

Result<LabelSelector> LabelSelector::Parse(std::string_view text) {
  LabelSelector out;
  if (Trim(text).empty()) return out;
  for (auto part : SplitTopLevel(text)) {
    if (part.empty()) return BadRequirement(text);
    auto requirement = ParseRequirement(part);
    if (!requirement) return requirement.error();
    out.requirements_.push_back(*std::move(requirement));
  }
  return out;
}

bool LabelSelector::Matches(const Json& object) const {
  if (requirements_.empty()) return true;
  static const Json kNone = Json::object();
  const Json* labels = &kNone;
  if (object.contains("metadata") && object["metadata"].contains("labels") &&
      object["metadata"]["labels"].is_object()) {
    labels = &object["metadata"]["labels"];
  }
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& r) {
    const auto it = labels->find(r.key);
    const bool exists = it != labels->end() && it->is_string();
    const bool listed = exists && std::find(r.values.begin(), r.values.end(),
                                            it->get_ref<const std::string&>()) != r.values.end();
    switch (r.op) {
      case Operator::kIn:
        return listed;
      case Operator::kNotIn:
        return !listed;
      case Operator::kExists:
        return exists;
      case Operator::kNotExists:
        return !exists;
    }
    return false;
  });
}

Result<FieldSelector> FieldSelector::Parse(std::string_view text) {
  FieldSelector out;
  if (Trim(text).empty()) return out;
  for (auto part : SplitTopLevel(text)) {
    const auto equals = part.find('=');
    if (equals == std::string_view::npos || equals == 0) return BadRequirement(part);
    Requirement r;
    r.equal = part[equals - 1] != '!';
    r.path = Trim(part.substr(0, r.equal ? equals : equals - 1));
    std::string_view value = part.substr(equals + 1);
    if (!value.empty() && value.front() == '=') value.remove_prefix(1);
    r.value = Trim(value);
    if (!IsKey(r.path)) return BadRequirement(part);
    out.requirements_.push_back(std::move(r));
  }
  return out;
}

bool FieldSelector::Matches(const Json& object) const {
  return std::all_of(requirements_.begin(), requirements_.end(), [&](const Requirement& r) {
    return (FieldText(object, r.path) == r.value) == r.equal;
  });
}

std::vector<std::string> FieldSelector::Fields() const {
  std::vector<std::string> out;
  for (const auto& r : requirements_) out.push_back(r.path);
  return out;
}

}  // namespace penstock::kube
