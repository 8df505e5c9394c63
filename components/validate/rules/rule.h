// A rule of a user about rows: what is asked, and who looks. Each kind stands in the file named.
//
//   check       keys                                  breaks where                    file
//   matches     column, pattern                       a text does not match           value_rules
//   range       column, minimum, maximum              a number or time is outside     value_rules
//   notNull     column                                there is no value               value_rules
//   allowed     column, values | from                 a value is not listed           value_rules
//   order       columns (two at least), strictly      a value is above the next       order_rules
//   increasing  column, strictly                      a value is below the one before order_rules
//   fresh       column, within                        the newest is too old           order_rules
//   unique      columns                               the key stood before            unique_rule
//   sql         sql                                   the condition is false          sql_rules
//   statistics  sql                                   the condition is false          sql_rules
//
// A row without a value in the columns of a rule does not break it (but notNull): the rule is not
// about it, and it does not count for `mostly` either.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/validate/findings/breaches.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::validate {

enum class Check : std::uint8_t {
  kMatches,
  kRange,
  kNotNull,
  kAllowed,
  kOrder,
  kIncreasing,
  kFresh,
  kUnique,
  kSql,
  kStatistics
};
[[nodiscard]] const char* Name(Check check);
// "RULE_PATTERN", ...; CUSTOM_VALIDATION of kStatistics.
[[nodiscard]] const char* AnomalyTypeOf(Check check);

struct Rule {
  std::string name;  // given, or "range of distance"
  Check check = Check::kNotNull;
  Severity severity = Severity::kError;
  double mostly = 1;       // so large a share of the rows that it is about must hold
  bool quarantine = true;  // rows that break it are set aside, also where `mostly` holds
  std::vector<std::string> columns;
  std::string pattern;
  Json minimum;  // numbers, or texts of times
  Json maximum;
  Json values;       // a list
  std::string from;  // the column of the input `allowed`
  bool strictly = false;
  std::int64_t within = 0;  // microseconds
  std::string sql;

  // Does it judge rows one by one?
  [[nodiscard]] bool IsOfRows() const {
    return check != Check::kFresh && check != Check::kStatistics;
  }
};

// [{check: range, column: distance, minimum: 0}, ...]. Invalid names the rule and the key.
[[nodiscard]] Result<std::vector<Rule>> ParseRules(const Json& list);

// What came of a rule.
struct Outcome {
  std::int64_t considered = 0;  // rows that it is about
  Breaches breaches;
  std::string failure;  // of a rule that is not one of rows: why it fails; empty: it holds
};

// Looks at batches in their order. Used by one thread.
class RowRule {
 public:
  virtual ~RowRule() = default;
  // A canonical batch that begins at `first_row`.
  [[nodiscard]] virtual Result<void> Look(const arrow::RecordBatch& batch,
                                          std::int64_t first_row) = 0;
  // After the last batch.
  [[nodiscard]] virtual Result<void> Finish() { return {}; }
  // After Finish; the object is then of no more use.
  [[nodiscard]] Outcome TakeOutcome() && { return std::move(outcome_); }

 protected:
  Outcome outcome_;
};

struct RuleContext {
  std::string scratch = {};              // a folder of this rule's own; made when it is needed
  std::int64_t rows = 0;                 // of the dataset
  std::optional<std::int64_t> now = {};  // microseconds since 1970
  std::string allowed = {};              // the dataset of the input; empty: none
};

// Of rules that look at batches: all but sql and statistics. Errors name the rule.
[[nodiscard]] Result<std::unique_ptr<RowRule>> MakeRowRule(const Rule& rule,
                                                           const arrow::Schema& canonical,
                                                           const RuleContext& context);

// The anomaly of a rule that does not hold; nothing where it holds.
[[nodiscard]] std::optional<Anomaly> AnomalyOf(const Rule& rule, const Outcome& outcome);

}  // namespace penstock::validate
