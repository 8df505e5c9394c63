// Personal data in the columns of a dataset, by a sample of its rows. Used by one thread.
//
// A column has a kind where, of the sampled values, at least `share` prove it, three of them at
// least (all where there are fewer), and at least half of those that have its form: of numbers that
// only look alike (order numbers of 13 digits) one in ten or eleven proves it by chance. What a
// sample does not hold is not found.
#pragma once

#include <arrow/type_fwd.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "components/validate/findings/anomaly.h"
#include "components/validate/personal/detect.h"
#include "operator/base/result.h"

namespace penstock::validate::personal {

struct ScanOptions {
  std::set<Kind> kinds;          // looked for
  double share = 0.01;           // of the sampled values, at least
  std::int64_t sample = 10'000;  // values of a column, about
  Severity severity = Severity::kWarn;
  std::map<std::string, std::set<Kind>> expected;  // by column: known, and no anomaly
};

class Scan {
 public:
  // `rows`: of the dataset.
  Scan(ScanOptions options, std::int64_t rows) : options_(std::move(options)), rows_(rows) {}

  // Texts (also in lists) and integers of a canonical batch.
  void Look(const arrow::RecordBatch& batch, std::int64_t first_row);

  // PERSONAL_DATA, one a column and kind; examples are forms.
  [[nodiscard]] std::vector<Anomaly> Anomalies() const;
  // The kinds of each column that has any, expected ones too.
  [[nodiscard]] std::map<std::string, std::vector<Kind>> Columns() const;

 private:
  struct Tally {
    std::int64_t form = 0;
    std::int64_t proved = 0;
    std::vector<Example> examples;
  };
  struct Column {
    std::int64_t sampled = 0;
    std::array<Tally, kKinds> tallies;
  };
  void LookAt(Column& column, std::string_view value, bool number, std::int64_t row);
  [[nodiscard]] bool Has(const Column& column, Kind kind) const;

  ScanOptions options_;
  std::int64_t rows_;
  std::map<std::string, Column> columns_;
};

}  // namespace penstock::validate::personal
