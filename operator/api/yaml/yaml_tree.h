// YAML text as a tree of nodes with their lines, before scalars have types. Aliases are followed
// here, and text that would blow up is refused. Pure.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "operator/base/result.h"

namespace penstock::api {

struct YamlNode {
  enum Kind : std::uint8_t { kScalar, kSequence, kMapping };
  Kind kind = kScalar;
  int line = 0;  // from 1
  std::string tag;
  bool plain = false;  // a scalar without quotes
  std::string text;
  // Children are shared between an anchor and its aliases.
  std::vector<std::shared_ptr<const YamlNode>> items;
  std::vector<std::pair<std::shared_ptr<const YamlNode>, std::shared_ptr<const YamlNode>>> entries;
};

inline constexpr std::size_t kMaxYamlDepth = 256;

// Invalid: "line N: message".
[[nodiscard]] inline Error ErrorAt(const YamlNode& node, const std::string& message) {
  return Invalid("line " + std::to_string(node.line) + ": " + message);
}

// The documents of the text; the error begins with "line N: ".
[[nodiscard]] Result<std::vector<std::shared_ptr<const YamlNode>>> ParseYaml(
    const std::string& text);

}  // namespace penstock::api
