// The plan of named operations: a method for each, into steps. Private to named.cc and
// named_text.cc.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "components/sdk/step.h"
#include "components/transform/plan.h"

namespace penstock::transform {

inline constexpr std::int64_t kMostIndicators = 1000;
inline constexpr std::int64_t kMostParts = 10'000;

// Clip and log: what happens to a number before it is made a feature.
struct Before {
  double low = 0;
  double high = 1;
  bool log = false;
};

class Planner {
 public:
  Planner(const Json& impute, const std::vector<sdk::Column>& columns)
      : impute_(impute), columns_(columns) {}

  Result<void> Add(const Operation& operation);
  // Columns of which clip or log is all that was said are scaled.
  Result<void> AddScales();
  [[nodiscard]] Plan Take() { return std::move(plan_); }

 private:
  using Method = Result<void> (Planner::*)(const Operation&, sdk::Parameters&);
  struct Kind {
    const char* name;
    Method method;
  };
  static const std::vector<Kind>& Kinds();
  friend std::vector<std::string> OperationNames();

  [[nodiscard]] std::size_t InputOf(const std::string& name) const {
    std::size_t i = 0;
    while (columns_[i].name != name) ++i;
    return i;
  }
  [[nodiscard]] sdk::TransformStep StepOf(const Operation& operation, sdk::TransformOp op,
                                          sdk::Views views) const {
    sdk::TransformStep step;
    step.op = op;
    step.input = InputOf(operation.columns.front());
    step.views = views;
    return step;
  }
  [[nodiscard]] bool IsImputed(const std::string& column) const {
    return impute_.contains(column) || impute_.contains("*");
  }
  Result<void> AddNumber(const Operation& operation, sdk::TransformStep step);
  Result<void> AddTreeNumber(const Operation& operation, sdk::Source source);
  Result<void> AddCategory(const Operation& operation, sdk::TransformStep step);

  Result<void> Clip(const Operation& operation, sdk::Parameters& p);
  Result<void> Log(const Operation& operation, sdk::Parameters& p);
  Result<void> Scale(const Operation& operation, sdk::Parameters& p);
  Result<void> MinMax(const Operation& operation, sdk::Parameters& p);
  Result<void> Passthrough(const Operation& operation, sdk::Parameters& p);
  Result<void> Missing(const Operation& operation, sdk::Parameters& p);
  Result<void> Bends(const Operation& operation, sdk::Parameters& p);
  Result<void> Quantile(const Operation& operation, sdk::Parameters& p);
  Result<void> Buckets(const Operation& operation, sdk::Parameters& p);
  Result<void> OneHot(const Operation& operation, sdk::Parameters& p);
  Result<void> Vocabulary(const Operation& operation, sdk::Parameters& p);
  Result<void> Hash(const Operation& operation, sdk::Parameters& p);
  Result<void> Cross(const Operation& operation, sdk::Parameters& p);
  Result<void> MultiHot(const Operation& operation, sdk::Parameters& p);
  Result<void> DateParts(const Operation& operation, sdk::Parameters& p);
  Result<void> Age(const Operation& operation, sdk::Parameters& p);
  Result<void> Text(const Operation& operation, sdk::Parameters& p);
  Result<void> Tfidf(const Operation& operation, sdk::Parameters& p);
  Result<void> TargetEncode(const Operation& operation, sdk::Parameters& p);
  Result<void> Tokens(const Operation& operation, sdk::Parameters& p);
  Result<void> WordVectors(const Operation& operation, sdk::Parameters& p);

  const Json& impute_;
  const std::vector<sdk::Column>& columns_;
  std::map<std::string, Before> before_;
  Plan plan_;
};

}  // namespace penstock::transform
