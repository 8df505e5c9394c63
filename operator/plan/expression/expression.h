// Conditions in a documented subset of CEL (docs/guide.md, "Conditions"): what of it is here means
// what it means in cel-go, which testdata/ holds against it case by case. Left out: bytes, types as
// values, timestamps and durations, messages, macros of two variables, optional values.
//
// Where it differs: two numbers may be compared for equality whatever their types (cel-go's checker
// refuses 1 == 1.0, its evaluation says true), has(x["a-b"]) asks as has(x.a) does, and a macro's
// variable may not hide another name.
//
// Parsed once, then immutable. Pure, and bounded: text, nesting, types, and the work of one
// evaluation.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "operator/plan/expression/node.h"
#include "operator/plan/expression/type.h"

namespace penstock::plan::expression {

inline constexpr std::size_t kMaxText = 4096;  // bytes
inline constexpr int kMaxDepth = 100;          // of parentheses, lists, calls and ?: in each other
inline constexpr int kMaxHeight = 250;         // of the tree
// Steps of an evaluation: nodes visited, values read, pairs compared, items copied and, of each
// tenth of a text, one more (Budget in value.h).
inline constexpr std::size_t kMaxCost = 200'000;
inline constexpr std::size_t kMaxTypeNodes = 200;  // of the type of anything in it

class Expression {
 public:
  // Invalid with the place of what is wrong: "character 12: ...".
  [[nodiscard]] static Result<Expression> Parse(std::string_view text);
  [[nodiscard]] const Node& root() const { return *root_; }

 private:
  explicit Expression(NodePtr root) : root_(std::move(root)) {}
  std::shared_ptr<const Node> root_;
};

// The type of its value, with the types of its variables. What is wrong goes to `errors`, all of
// it; what follows from one error is not told.
[[nodiscard]] Type Check(const Expression& expression, const std::map<std::string, Type>& variables,
                         std::vector<std::string>& errors);

// Its value. NotFound: an Object had none of a field that was needed. Invalid: everything else that
// CEL calls an error (overflow, division by zero, a key or an index that is not there, a function
// of other types), and more work than kMaxCost. && and || absorb an error where the other side
// decides.
[[nodiscard]] Result<Value> Evaluate(const Expression& expression,
                                     const std::map<std::string, Value>& variables);

// A chain of fields from a variable on, as far as its names are written out: steps["a"].results.r
// is
// {"steps", "a", "results", "r"}.
struct Path {
  std::vector<std::string> names;
  bool asked = false;  // only whether it is there: the last field of has(...)
  std::size_t at = 0;
};
// Every longest chain that begins at a variable, in the order of the text; variables of macros are
// none.
[[nodiscard]] std::vector<Path> PathsOf(const Expression& expression);

}  // namespace penstock::plan::expression
