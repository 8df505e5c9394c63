// A column's drift by the statistics of both sides (statistics.json) in place of its rows. Counts
// of values that both sides know are compared as those of rows are. Values that not both list may
// be the same ones or none in common: what is measured is either. Of numbers with more different
// values than are listed only bounds of ks follow from the quantiles. Whatever does not follow is
// left out and said. Pure.
#pragma once

#include <optional>
#include <string>

#include "components/drift/measure.h"
#include "components/drift/options.h"
#include "components/drift/pairing.h"
#include "components/statistics/summary/statistics.h"

namespace penstock::drift {

struct StoredDrift {
  std::string why_not;  // not empty: cannot be compared
  ColumnDrift least;    // as if the statistic were as small as it can be
  ColumnDrift most;     // and as large; the same where it is known
};

class StoredMeasurer {
 public:
  // `options` must outlive it. `rows`: of both sides together; `tests`: how many columns.
  StoredMeasurer(const Options& options, std::int64_t rows, std::size_t tests);

  [[nodiscard]] StoredDrift Measure(const Pair& pair, const statistics::Column& reference,
                                    const statistics::Column& current) const;

 private:
  // Of bins whose counts are known.
  void MeasureBins(const Bins& bins, ColumnDrift& drift) const;
  void MeasureValues(const statistics::Column& reference, const statistics::Column& current,
                     StoredDrift& drift) const;
  void MeasureNumbers(const statistics::Column& reference, const statistics::Column& current,
                      StoredDrift& drift) const;
  void MeasureBounds(const statistics::Column& reference, const statistics::Column& current,
                     StoredDrift& drift) const;
  [[nodiscard]] Null Draw(const ColumnDrift& drift, const Bins& bins) const;

  const Options& options_;
  std::int64_t most_draws_;
  LogFactorials logs_;
};

}  // namespace penstock::drift
