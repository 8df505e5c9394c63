// All that one validation looks at, and what came of it: the passes over the data. Used by one
// thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/sdk/schema.h"
#include "components/statistics/summary/statistics.h"
#include "components/validate/contract/schema_check.h"
#include "components/validate/options.h"
#include "components/validate/report.h"

namespace penstock::validate {

// Paths of the inputs; empty: not given.
struct Sources {
  std::string dataset;
  std::string schema;      // a file, a dataset's or a model's folder
  std::string statistics;  // of the run before
  std::string previous;    // the dataset of the run before
  std::string serving;     // a dataset of what is served
  std::string allowed;
  std::string scratch;  // a folder that exists
};

class Inspection {
 public:
  [[nodiscard]] static Result<Inspection> Create(const Options& options, const Sources& sources);

  // Errors name the rule, the column or the input.
  [[nodiscard]] Result<void> Run();

  [[nodiscard]] const Report& report() const { return report_; }
  [[nodiscard]] Report& report() { return report_; }
  // Of the dataset, with the roles of the schema that was given.
  [[nodiscard]] const sdk::Schema& described() const { return described_; }
  // Names of what a row broke and is set aside for.
  [[nodiscard]] std::vector<std::string> BrokenBy(std::int64_t row) const;
  // For people to review (contract/proposal.h).
  [[nodiscard]] Result<sdk::Schema> Proposal();

 private:
  Inspection(const Options& options, const Sources& sources)
      : options_(options), sources_(sources) {}
  [[nodiscard]] RuleContext ContextOf(std::size_t rule) const;
  [[nodiscard]] Result<void> LookAtRows();
  [[nodiscard]] Result<void> RunSqlRules();
  [[nodiscard]] Result<void> CompareStatistics();
  [[nodiscard]] Result<const statistics::Statistics*> DataStatistics();
  [[nodiscard]] Result<const statistics::Statistics*> PreviousStatistics();
  void AddRuleAnomalies();
  void MaskPersonal();

  Options options_;
  Sources sources_;
  sdk::Schema schema_;
  bool schema_given_ = false;
  sdk::Schema seen_;
  sdk::Schema described_;
  std::int64_t rows_ = 0;
  std::optional<SchemaCheck> check_;
  std::vector<Outcome> outcomes_;  // by rule
  std::optional<statistics::Statistics> data_;
  std::optional<statistics::Statistics> previous_;
  std::set<std::string> personal_;
  Report report_;
};

}  // namespace penstock::validate
