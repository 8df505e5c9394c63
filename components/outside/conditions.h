// Conditions and values over JSON that a step got from elsewhere, in the pipeline's own expression
// language (plan/expression). Value types; pure, but for the results that are written.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "components/sdk/step.h"
#include "operator/base/json.h"
#include "operator/base/result.h"
#include "operator/plan/expression/expression.h"

namespace penstock::outside {

// What an expression may name, each with the field's value; made once for many expressions.
using Variables = std::map<std::string, plan::expression::Value>;
[[nodiscard]] Variables VariablesOf(const Json& object);

class Condition {
 public:
  Condition() = default;
  // An empty text: no condition. `name` is the parameter's, `known` are the variables that it may
  // name. Invalid begins with the name and says where.
  [[nodiscard]] static Result<Condition> Parse(const std::string& name, const std::string& text,
                                               const std::vector<std::string>& known);
  [[nodiscard]] bool IsGiven() const { return !text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }
  // Invalid, beginning with the name: it has no value here (a field that is not there), or one that
  // is neither true nor false. False where none is given.
  [[nodiscard]] Result<bool> Holds(const Variables& variables) const;

 private:
  std::string name_, text_;
  std::vector<plan::expression::Expression> expression_;  // one, or none
};

// The parameter `results`: names, each with an expression. Their values are the result `values`.
class Extraction {
 public:
  // Invalid names the entry.
  [[nodiscard]] static Result<Extraction> Parse(const Json& results,
                                                const std::vector<std::string>& known);
  // An object of all of them. Invalid names the one that has no value.
  [[nodiscard]] Result<Json> Values(const Variables& variables) const;

 private:
  std::vector<std::pair<std::string, plan::expression::Expression>> expressions_;
};

}  // namespace penstock::outside
