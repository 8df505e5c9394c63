// The tree of an expression. Owned by Expression; never changed once it is parsed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "operator/plan/expression/value.h"

namespace penstock::plan::expression {

struct Node {
  enum class Kind : std::uint8_t {
    kLiteral,
    kName,    // `name`
    kSelect,  // kids[0].name
    kHas,     // has(kids[0].name)
    kCall,    // `name` of kids; operators have CEL's names: "_+_", "_[_]", "_?_:_", "_in_"
    kList,    // of kids
    kMap,     // of kids: key, value, key, value
    kMacro,   // kids[0].name(variable, kids[1], ...): all, exists, exists_one, filter, map
  };
  Kind kind = Kind::kLiteral;
  std::size_t at = 0;  // where it stands, in bytes
  std::string name;
  Value literal;
  std::vector<std::unique_ptr<Node>> kids;
  std::string variable;
  int height = 1;
};
using NodePtr = std::unique_ptr<Node>;

}  // namespace penstock::plan::expression
