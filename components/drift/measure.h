// One column's drift: its deciding statistic, how often chance gives as much, what differs most,
// and what every other method says. Pure; several columns at once on several threads.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
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
  double value = 0;  // the statistic's, over the bins; where at_most is given, it is at least so
  std::optional<double> at_most;  // of stored statistics, which leave it open
  double chance = 0;              // its mean where the rows are divided at random
  double effect = 0;              // what is beyond that: value - chance, at least 0
  double floor = 0;
  double p = 1;
  double adjusted = 1;  // set where all columns are known
  bool drifted = false;
  bool undecided = false;  // stored statistics leave it open whether it has drifted
  std::int64_t draws = 0;
  std::string at;  // the bin that adds most, or up to which the difference is largest
  bool up_to = false;
  std::array<double, 2> shares = {};  // of the rows that are `at`, or up to it
  std::array<std::int64_t, 2> rows = {};
  std::array<std::int64_t, 2> nulls = {};
  std::string note;  // what is to be known of it: of which measure value is, what is open
  Json methods = Json::object();
  Json bins = Json::array();  // {bin, reference, current}: shares
};

// Fills in what bins say: rows and nulls of both sides. False where a side has no rows.
[[nodiscard]] bool CountRows(const Bins& bins, ColumnDrift& drift);
// The name of the place where bins.one_sided decides.
inline constexpr const char* kOneSideOnly = "(values of one side only)";
// The statistic's value and place, the effect and p. The sides have rows. Where bins.one_sided is
// given there are two tests: p is twice the smaller one, and value, chance, effect and place are of
// the one whose effect is larger, which the note says.
void Conclude(const Bins& bins, const Null& null, ColumnDrift& drift);
// How many draws may be needed so that a column that drifts alone among `tests` can be flagged.
[[nodiscard]] std::int64_t MostDraws(const Options& options, std::size_t tests);
// Of a number: as many bins at most.
[[nodiscard]] int MostBins(Statistic statistic);
[[nodiscard]] Json BinsJson(const Bins& bins, bool words);

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
