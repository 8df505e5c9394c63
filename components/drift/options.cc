#include "components/drift/options.h"

#include <array>
#include <utility>

#include "components/sdk/step.h"
#include "operator/base/try.h"

namespace penstock::drift {
namespace {

constexpr std::array<std::pair<Kind, const char*>, 5> kKinds = {{
    {Kind::kNumber, "number"},
    {Kind::kCategory, "category"},
    {Kind::kText, "text"},
    {Kind::kClock, "clock"},
    {Kind::kSkip, "skip"},
}};

std::optional<Kind> ParseKind(const std::string& name) {
  for (const auto& [kind, known] : kKinds) {
    if (name == known) return kind;
  }
  return std::nullopt;
}

std::optional<Statistic> ReadStatistic(sdk::Parameters& p, const std::string& where,
                                       const Json& value, std::optional<Kind> kind) {
  const auto statistic =
      value.is_string() ? ParseStatistic(value.get<std::string>()) : std::nullopt;
  if (!statistic || (kind && !Fits(*statistic, *kind))) {
    p.Fail(where + ": must be one of " + Fitting(kind.value_or(Kind::kNumber)));
    return std::nullopt;
  }
  return statistic;
}

std::optional<double> ReadFloor(sdk::Parameters& p, const std::string& where, const Json& value) {
  if (value.is_number() && value >= 0) return value.get<double>();
  p.Fail(where + ": must be a number of at least 0");
  return std::nullopt;
}

void ReadSetting(sdk::Parameters& p, const std::string& column, const Json& given,
                 Options& options) {
  const std::string where = "settings." + column;
  ColumnSetting setting;
  if (!given.is_object()) return p.Fail(where + ": must be an object of as, statistic and floor");
  if (given.contains("as")) {
    setting.as = given["as"].is_string() ? ParseKind(given["as"].get<std::string>()) : std::nullopt;
    if (!setting.as) return p.Fail(where + ".as: must be number, category, text, clock or skip");
  }
  for (const auto& [name, value] : given.items()) {
    if (name == "statistic") {
      setting.statistic = ReadStatistic(p, where + ".statistic", value, setting.as);
    } else if (name == "floor") {
      setting.floor = ReadFloor(p, where + ".floor", value);
    } else if (name != "as") {
      p.Fail(where + ": has as, statistic and floor, not " + name);
    }
  }
  options.settings[column] = setting;
}

void ReadKinds(sdk::Parameters& p, Options& options) {
  const Json statistics = p.Object("statistics");
  for (const auto& [name, value] : statistics.items()) {
    const auto kind = ParseKind(name);
    if (!kind || *kind == Kind::kSkip) {
      return p.Fail("statistics: has number, category, text and clock, not " + name);
    }
    const auto read = ReadStatistic(p, "statistics." + name, value, kind);
    if (read) options.statistics[*kind] = *read;
  }
  const Json floors = p.Object("floors");
  for (const auto& [name, value] : floors.items()) {
    const auto kind = ParseKind(name);
    const bool classifier = name == "classifier";
    if (!classifier && (!kind || *kind == Kind::kSkip)) {
      return p.Fail("floors: has number, category, text, clock and classifier, not " + name);
    }
    const auto floor = ReadFloor(p, "floors." + name, value);
    if (!floor) return;
    (classifier ? options.classifier_floor : options.floors[*kind]) = *floor;
  }
}

}  // namespace

const char* Name(Kind kind) {
  for (const auto& [value, name] : kKinds) {
    if (value == kind) return name;
  }
  return "";
}

bool Fits(Statistic statistic, Kind kind) {
  const bool needs_order = statistic == Statistic::kKs || statistic == Statistic::kWasserstein;
  if (kind == Kind::kText) return statistic == Statistic::kPresence;
  return statistic != Statistic::kPresence && (kind == Kind::kNumber || !needs_order);
}

std::string Fitting(Kind kind) {
  std::string names;
  for (int i = 0; i <= int(Statistic::kPresence); ++i) {
    if (!Fits(Statistic(i), kind)) continue;
    names += (names.empty() ? "" : ", ") + std::string(Name(Statistic(i)));
  }
  return names;
}

Statistic DefaultStatistic(Kind kind) {
  if (kind == Kind::kNumber) return Statistic::kKs;
  return kind == Kind::kText ? Statistic::kPresence : Statistic::kJensenShannon;
}

std::optional<Statistic> Options::NamedStatistic(const std::string& column) const {
  const auto setting = settings.find(column);
  if (setting != settings.end() && setting->second.statistic) return setting->second.statistic;
  const auto said = asked.find(column);
  return said == asked.end() ? std::nullopt : said->second.statistic;
}

Statistic Options::StatisticOf(const std::string& column, Kind kind) const {
  const auto setting = settings.find(column);
  if (setting != settings.end() && setting->second.statistic) return *setting->second.statistic;
  const auto of_kind = statistics.find(kind);
  if (of_kind != statistics.end()) return of_kind->second;
  // A setting `as` makes another kind of a column than the schema's statistic is for.
  const auto named = NamedStatistic(column);
  return named && Fits(*named, kind) ? *named : DefaultStatistic(kind);
}

double Options::FloorOf(const std::string& column, Kind kind) const {
  const auto setting = settings.find(column);
  if (setting != settings.end() && setting->second.floor) return *setting->second.floor;
  // A floor is in the units of the statistic that it was given for.
  const Statistic statistic = StatisticOf(column, kind);
  const auto of_kind = statistics.find(kind);
  const auto floor = floors.find(kind);
  if (floor != floors.end() &&
      statistic == (of_kind == statistics.end() ? DefaultStatistic(kind) : of_kind->second)) {
    return floor->second;
  }
  const auto said = asked.find(column);
  if (said != asked.end() && said->second.floor &&
      statistic == said->second.statistic.value_or(DefaultStatistic(kind))) {
    return *said->second.floor;
  }
  return DefaultFloor(statistic);
}

Result<Options> ReadOptions(const Json& parameters) {
  sdk::Parameters p(parameters);
  Options options;
  options.columns = p.Strings("columns");
  options.ignore = p.Strings("ignore");
  ReadKinds(p, options);
  options.asks = p.OneOf("schemaAsks", "drift", {"drift", "skew"});
  const Json settings = p.Object("settings");
  for (const auto& [column, given] : settings.items()) ReadSetting(p, column, given, options);
  options.alpha = p.Number("alpha", 0.01, 1e-6, 0.5);
  options.draws = p.Integer("draws", 2000, 100, 1'000'000);
  options.blocks = p.String("blocks", "");
  options.block_hours = p.Number("blockHours", 24, 1e-3, 1e6);
  if (options.blocks.empty() && parameters.contains("blockHours") && options.block_hours != 24) {
    p.Fail("blockHours: only with blocks");
  }
  options.slices = p.Strings("slices");
  options.slice_rows = p.Integer("sliceRows", 200, 20, 1'000'000'000);
  options.sample = p.Integer("sample", 500'000, 1000, 10'000'000);
  options.classifier = p.Boolean("classifier", true);
  options.weigh = p.Boolean("weigh", false);
  options.weight_column = p.String("weightColumn", "importance");
  if (options.weight_column.empty()) p.Fail("weightColumn: is empty");
  options.most_weight = p.Number("mostWeight", 20, 1, 1e6);
  options.threads = int(p.Integer("threads", 2, 1, 256));
  options.seed = std::uint64_t(p.Integer("seed", 0, 0, INT64_MAX));
  if (options.slices.size() > 10) p.Fail("slices: at most 10 columns");
  PENSTOCK_TRY(p.Finish());
  return options;
}

}  // namespace penstock::drift
