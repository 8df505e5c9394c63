// What a comparison was asked to do.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "components/drift/methods/statistic.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::drift {

// How the values of a column are looked at.
enum class Kind : std::uint8_t {
  kNumber,    // by their order
  kCategory,  // by value
  kText,      // by their words
  kClock,     // times, by the hour of the day (dates: the day of the week)
  kSkip
};
[[nodiscard]] const char* Name(Kind kind);

struct ColumnSetting {
  std::optional<Kind> as;
  std::optional<Statistic> statistic;
  std::optional<double> floor;
};

struct Options {
  std::vector<std::string> columns;  // only these; empty: all
  std::vector<std::string> ignore;
  std::map<std::string, ColumnSetting> settings;  // by column
  std::map<Kind, Statistic> statistics = {{Kind::kNumber, Statistic::kKs},
                                          {Kind::kCategory, Statistic::kJensenShannon},
                                          {Kind::kText, Statistic::kPresence},
                                          {Kind::kClock, Statistic::kJensenShannon}};
  std::map<Kind, double> floors;  // of kinds; else the statistic's
  double alpha = 0.01;
  std::int64_t draws = 2000;
  std::string blocks;       // a column; empty: rows are drawn
  double block_hours = 24;  // where it is a time
  std::vector<std::string> slices;
  std::int64_t slice_rows = 200;  // of each side at least
  std::int64_t sample = 500'000;  // rows of each side at most
  bool classifier = true;
  double classifier_floor = 0.05;  // of AUC - 0.5
  int threads = 2;
  std::uint64_t seed = 0;

  [[nodiscard]] Statistic StatisticOf(const std::string& column, Kind kind) const;
  [[nodiscard]] double FloorOf(const std::string& column, Kind kind) const;
};

// Invalid names the parameter.
[[nodiscard]] Result<Options> ReadOptions(const Json& parameters);

}  // namespace penstock::drift
