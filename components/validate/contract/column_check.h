// What a schema asks of the values of one column, looked at batch by batch: every value, not a
// summary of them, so that rows can be named and set aside. Used by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "components/sdk/cells.h"
#include "components/sdk/schema.h"
#include "components/validate/findings/breaches.h"

namespace penstock::validate {

struct Domain;  // domain.h
class Pattern;  // findings/pattern.h

// Counts over all rows.
struct ColumnCounts {
  std::int64_t rows = 0;
  std::int64_t nulls = 0;
  std::int64_t nan = 0;  // not among the nulls
  [[nodiscard]] std::int64_t present() const { return rows - nulls; }
};

class ColumnCheck {
 public:
  // `type` is the stored type in the data. Invalid for a pattern that is none.
  [[nodiscard]] static Result<ColumnCheck> Create(const sdk::SchemaColumn& column,
                                                  const std::string& type);
  ColumnCheck(ColumnCheck&&) noexcept;
  ColumnCheck& operator=(ColumnCheck&&) noexcept;
  ~ColumnCheck();

  // `array`: of a canonical batch that begins at `first_row` of the dataset.
  [[nodiscard]] Result<void> Look(const std::shared_ptr<arrow::Array>& array,
                                  std::int64_t first_row);

  // By TFDV's rules and names, one of a type.
  [[nodiscard]] std::vector<Anomaly> Anomalies() const;
  [[nodiscard]] const ColumnCounts& counts() const { return counts_; }
  [[nodiscard]] const sdk::SchemaColumn& column() const { return column_; }
  // Whether this row breaks what is asked of each row by itself.
  [[nodiscard]] bool IsBroken(std::int64_t row) const;

 private:
  ColumnCheck(const sdk::SchemaColumn& column, const std::string& type);
  [[nodiscard]] Result<void> LookAtValues(const std::shared_ptr<arrow::Array>& array,
                                          std::int64_t first_row);
  void LookAtLists(const arrow::Array& array, std::int64_t first_row);
  void LookAt(const sdk::Cell& cell, std::int64_t row);
  void AddPresence(std::vector<Anomaly>& to) const;
  void AddDomain(std::vector<Anomaly>& to) const;
  [[nodiscard]] Anomaly End(const Breaches& breaches, double end, const Json& bound,
                            const char* type, bool least) const;
  void AddValues(std::vector<Anomaly>& to) const;
  void AddLists(std::vector<Anomaly>& to) const;

  sdk::SchemaColumn column_;
  std::string type_;
  std::unique_ptr<Domain> domain_;
  std::unique_ptr<Pattern> pattern_;
  ColumnCounts counts_;
  Breaches null_;  // where every row must have a value
  Breaches nan_;
  Breaches infinite_;
  Breaches unexpected_;  // outside of a list of values
  Breaches small_;
  Breaches big_;
  Breaches unmatched_;
  Breaches few_;
  Breaches many_;
  double least_ = 0;  // of small_
  double most_ = 0;   // of big_
};

}  // namespace penstock::validate
