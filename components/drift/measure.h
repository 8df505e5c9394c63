// One column's drift: its deciding statistic, how often chance gives as much, what differs most,
// and what every other method says. Pure; several columns at once on several threads.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "components/drift/bins.h"
#include "components/drift/null/null_draws.h"
#include "components/drift/options.h"
#include "components/drift/sample.h"
#include "components/drift/values.h"
#include "operator/base/json.h"

namespace penstock::drift {

struct ColumnDrift {
  std::string name;
  Kind kind = Kind::kNumber;
  Statistic statistic = Statistic::kKs;
  double value = 0;   // the statistic's, over the bins
  double chance = 0;  // its mean where the rows are divided at random
  double effect = 0;  // what is beyond that: value - chance, at least 0
  double floor = 0;
  double p = 1;
  double adjusted = 1;  // set where all columns are known
  bool drifted = false;
  std::int64_t draws = 0;
  std::string at;  // the bin that adds most, or up to which the difference is largest
  bool up_to = false;
  std::array<double, 2> shares = {};  // of the rows that are `at`, or up to it
  std::array<std::int64_t, 2> rows = {};
  std::array<std::int64_t, 2> nulls = {};
  Json methods = Json::object();
  Json bins = Json::array();  // {bin, reference, current}: shares
};

// The rows that are compared: all that were chosen, or a slice's.
struct Selection {
  std::array<const Rows*, 2> rows = {nullptr, nullptr};
};

class Measurer {
 public:
  // Both must outlive it. `tests`: how many columns and slices there are together.
  Measurer(const Sample& sample, const Options& options, std::size_t tests);

  // `bins_out` gets the bins; null, for slices: methods and bins are left out of the answer. `salt`
  // makes the draws of one column's slices differ.
  [[nodiscard]] ColumnDrift Measure(const ColumnValues& column, const Selection& selection,
                                    const std::string& salt, Bins* bins_out) const;

 private:
  [[nodiscard]] Bins BinsOf(const ColumnValues& column, const Selection& selection,
                            Statistic statistic, bool details, Json& methods) const;
  [[nodiscard]] Null NullOf(const ColumnValues& column, const Selection& selection,
                            const Bins& bins, Statistic statistic, const std::string& salt) const;
  [[nodiscard]] BlockCounts CountBlocks(const ColumnValues& column, const Selection& selection,
                                        const Bins& bins) const;

  const Sample& sample_;
  const Options& options_;
  std::int64_t most_draws_;
  LogFactorials logs_;
};

}  // namespace penstock::drift
