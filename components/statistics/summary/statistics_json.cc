// statistics.json, written and read.
#include <filesystem>

#include "components/statistics/summary/statistics.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::statistics {
namespace {

constexpr std::uint64_t kMostBytes = 256ULL << 20;

template <typename T>
void Put(Json& json, const char* key, const std::optional<T>& value) {
  if (value) json[key] = *value;
}

Json ToJson(const std::vector<Bucket>& buckets) {
  Json out = Json::array();
  for (const auto& b : buckets) {
    out.push_back({{"low", b.low}, {"high", b.high}, {"count", std::int64_t(b.count)}});
  }
  return out;
}

Json ToJson(const Numbers& n) {
  Json json = {{"count", n.count},
               {"mean", n.mean},
               {"min", n.min},
               {"max", n.max},
               {"zeros", n.zeros},
               {"negative", n.negative},
               {"quantiles", n.quantiles},
               {"rankError", n.rank_error},
               {"histogram", ToJson(n.histogram)},
               {"quantileHistogram", ToJson(n.quantile_histogram)}};
  Put(json, "deviation", n.deviation);
  return json;
}

Json ToJson(const Column& c);

Json ToJson(const std::vector<Column>& columns) {
  Json out = Json::array();
  for (const auto& column : columns) out.push_back(ToJson(column));
  return out;
}

bool HasValues(Kind kind) { return kind != Kind::kList && kind != Kind::kOther; }

void PutValues(const Column& c, Json& json) {
  json["distinct"] = c.distinct;
  json["distinctError"] = c.distinct_error;
  json["topError"] = c.top_error;
  json["topComplete"] = c.top_complete;
  Json& top = json["top"] = Json::array();
  for (const auto& v : c.top) top.push_back({{"value", v.value}, {"count", v.count}});
}

Json ToJson(const Column& c) {
  Json json = {{"name", c.name},
               {"type", c.type},
               {"kind", Name(c.kind)},
               {"rows", c.rows},
               {"nulls", c.nulls},
               {"nan", c.nan},
               {"positiveInfinite", c.positive_infinite},
               {"negativeInfinite", c.negative_infinite}};
  if (HasValues(c.kind)) PutValues(c, json);
  if (c.numbers) json["numbers"] = ToJson(*c.numbers);
  if (c.lengths) json["lengths"] = ToJson(*c.lengths);
  if (c.lengths) json["empty"] = c.empty;
  if (!c.elements.empty()) json["elements"] = ToJson(c.elements.front());
  if (!c.least.is_null()) json["least"] = c.least;
  if (!c.most.is_null()) json["most"] = c.most;
  return json;
}

Json ToJson(const Correlation& c) {
  Json json = {{"a", c.a}, {"b", c.b}, {"rows", c.rows}};
  Put(json, "r", c.r);
  return json;
}

Json ToJson(const Association& a) {
  Json json = {{"column", a.column}, {"rows", a.rows}};
  Put(json, "auc", a.auc);
  Put(json, "mutualInformation", a.mutual_information);
  Put(json, "informationShare", a.information_share);
  Put(json, "etaSquared", a.eta_squared);
  Put(json, "r", a.r);
  return json;
}

// A key that is missing or of another type is an exception of nlohmann's, which names it.
template <typename T>
std::optional<T> Take(const Json& json, const char* key) {
  return json.contains(key) ? std::optional<T>(json.at(key).get<T>()) : std::nullopt;
}

std::vector<Bucket> BucketsFrom(const Json& json) {
  std::vector<Bucket> buckets;
  for (const Json& b : json) {
    buckets.push_back(
        {b.at("low").get<double>(), b.at("high").get<double>(), b.at("count").get<double>()});
  }
  return buckets;
}

Numbers NumbersFrom(const Json& json) {
  Numbers n;
  n.count = json.at("count").get<std::int64_t>();
  n.mean = json.at("mean").get<double>();
  n.deviation = Take<double>(json, "deviation");
  n.min = json.at("min").get<double>();
  n.max = json.at("max").get<double>();
  n.zeros = json.at("zeros").get<std::int64_t>();
  n.negative = json.at("negative").get<std::int64_t>();
  n.quantiles = json.at("quantiles").get<std::vector<double>>();
  if (n.quantiles.size() != kPercentiles + 1) throw std::runtime_error("quantiles must be 101");
  n.rank_error = json.at("rankError").get<double>();
  n.histogram = BucketsFrom(json.at("histogram"));
  n.quantile_histogram = BucketsFrom(json.at("quantileHistogram"));
  return n;
}

Column ColumnFrom(const Json& json, int depth) {
  constexpr int kDeepest = 16;  // lists in lists
  if (depth > kDeepest) throw std::runtime_error("lists are nested too deep");
  Column c;
  c.name = json.at("name").get<std::string>();
  c.type = json.at("type").get<std::string>();
  const auto kind = ParseKind(json.at("kind").get<std::string>());
  if (!kind) throw std::runtime_error("column '" + c.name + "' is of an unknown kind");
  c.kind = *kind;
  c.rows = json.at("rows").get<std::int64_t>();
  c.nulls = json.at("nulls").get<std::int64_t>();
  c.nan = json.at("nan").get<std::int64_t>();
  c.positive_infinite = json.at("positiveInfinite").get<std::int64_t>();
  c.negative_infinite = json.at("negativeInfinite").get<std::int64_t>();
  if (HasValues(c.kind)) {
    c.distinct = json.at("distinct").get<std::int64_t>();
    c.distinct_error = json.at("distinctError").get<double>();
    c.top_error = json.at("topError").get<std::int64_t>();
    c.top_complete = json.at("topComplete").get<bool>();
    for (const Json& v : json.at("top")) {
      c.top.push_back({v.at("value"), v.at("count").get<std::int64_t>()});
    }
  }
  if (json.contains("numbers")) c.numbers = NumbersFrom(json.at("numbers"));
  if (json.contains("lengths")) c.lengths = NumbersFrom(json.at("lengths"));
  c.empty = Take<std::int64_t>(json, "empty").value_or(0);
  if (json.contains("elements")) c.elements.push_back(ColumnFrom(json.at("elements"), depth + 1));
  c.least = json.value("least", Json());
  c.most = json.value("most", Json());
  return c;
}

std::vector<Column> ColumnsFrom(const Json& json) {
  std::vector<Column> columns;
  for (const Json& column : json) columns.push_back(ColumnFrom(column, 0));
  return columns;
}

Association AssociationFrom(const Json& json) {
  Association a;
  a.column = json.at("column").get<std::string>();
  a.rows = json.at("rows").get<std::int64_t>();
  a.auc = Take<double>(json, "auc");
  a.mutual_information = Take<double>(json, "mutualInformation");
  a.information_share = Take<double>(json, "informationShare");
  a.eta_squared = Take<double>(json, "etaSquared");
  a.r = Take<double>(json, "r");
  return a;
}

Statistics StatisticsFrom(const Json& json) {
  Statistics s;
  s.rows = json.at("rows").get<std::int64_t>();
  s.columns = ColumnsFrom(json.at("columns"));
  for (const Json& c : json.at("correlations")) {
    s.correlations.push_back({c.at("a").get<std::string>(), c.at("b").get<std::string>(),
                              c.at("rows").get<std::int64_t>(), Take<double>(c, "r")});
  }
  s.label = json.at("label").get<std::string>();
  s.sampled_rows = json.at("sampledRows").get<std::int64_t>();
  for (const Json& a : json.at("associations")) s.associations.push_back(AssociationFrom(a));
  for (const Json& slice : json.at("slices")) {
    s.slices.push_back({slice.at("column").get<std::string>(), slice.at("value"),
                        slice.at("rows").get<std::int64_t>(), ColumnsFrom(slice.at("columns"))});
  }
  s.sample = json.at("sample").get<std::vector<std::vector<Json>>>();
  return s;
}

}  // namespace

Json ToJson(const Statistics& s) {
  Json json = {
      {"version", kStatisticsVersion}, {"rows", s.rows},          {"columns", ToJson(s.columns)},
      {"correlations", Json::array()}, {"label", s.label},        {"sampledRows", s.sampled_rows},
      {"associations", Json::array()}, {"slices", Json::array()}, {"sample", s.sample}};
  for (const auto& c : s.correlations) json["correlations"].push_back(ToJson(c));
  for (const auto& a : s.associations) json["associations"].push_back(ToJson(a));
  for (const auto& slice : s.slices) {
    json["slices"].push_back({{"column", slice.column},
                              {"value", slice.value},
                              {"rows", slice.rows},
                              {"columns", ToJson(slice.columns)}});
  }
  return json;
}

Result<Statistics> StatisticsFromJson(const Json& json) {
  try {
    if (json.at("version") != kStatisticsVersion) {
      return Invalid("version must be 1; this program is older than the statistics");
    }
    return StatisticsFrom(json);
  } catch (const std::exception& e) {
    return Invalid(std::string("no statistics: ") + e.what());
  }
}

Result<Statistics> LoadStatistics(const std::string& path) {
  std::error_code error;
  const bool folder = std::filesystem::is_directory(path, error);
  const std::filesystem::path given = path;
  const auto file = folder ? given / kStatisticsFile : given;
  PENSTOCK_ASSIGN(const auto text, ReadFile(file, kMostBytes));
  PENSTOCK_ASSIGN(const Json json, ParseJson(text, file.string()));
  auto statistics = StatisticsFromJson(json);
  if (!statistics) return Wrap(file.string(), statistics.error());
  return statistics;
}

Result<void> SaveStatistics(const std::string& folder, const Statistics& statistics) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return FromErrno(folder, error.value());
  return WriteFileAtomically(std::filesystem::path(folder) / kStatisticsFile,
                             ToJson(statistics).dump(1) + "\n");
}

}  // namespace penstock::statistics
