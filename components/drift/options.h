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

// What a schema's `drift` asks of a column. Parameters that differ from it win.
struct Asked {
  std::optional<Statistic> statistic;
  std::optional<double> floor;
  bool ignore = false;
};

struct Options {
  std::vector<std::string> columns;  // only these; empty: all
  std::vector<std::string> ignore;
  std::map<std::string, ColumnSetting> settings;  // by column
  std::string asks = "drift";                     // what of the schema counts, or "skew"
  std::map<std::string, Asked> asked;             // by column; asked.h
  std::map<Kind, Statistic> statistics;           // of kinds, where given
  std::map<Kind, double> floors;                  // of kinds, where given; else the statistic's
  double alpha = 0.01;
  std::int64_t draws = 2000;
  std::string blocks;       // a column; empty: rows are drawn
  double block_hours = 24;  // where it is a time
  std::vector<std::string> slices;
  std::int64_t slice_rows = 200;  // of each side at least
  std::int64_t sample = 500'000;  // rows of each side at most
  bool classifier = true;
  double classifier_floor = 0.05;  // of AUC - 0.5
  bool weigh = false;              // whether the output weighted is wanted
  std::string weight_column = "importance";
  double most_weight = 20;
  int threads = 2;
  std::uint64_t seed = 0;

  // What is named for a column itself, by the parameters or else by the schema.
  [[nodiscard]] std::optional<Statistic> NamedStatistic(const std::string& column) const;
  [[nodiscard]] Statistic StatisticOf(const std::string& column, Kind kind) const;
  [[nodiscard]] double FloorOf(const std::string& column, Kind kind) const;
};

// ks of numbers, presence of texts, jensenShannon of the others.
[[nodiscard]] Statistic DefaultStatistic(Kind kind);
// Which statistics decide over which kind: those that look at an order need one. The names of all
// that do.
[[nodiscard]] bool Fits(Statistic statistic, Kind kind);
[[nodiscard]] std::string Fitting(Kind kind);

// Invalid names the parameter.
[[nodiscard]] Result<Options> ReadOptions(const Json& parameters);

}  // namespace penstock::drift
