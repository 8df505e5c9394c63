#include "components/validate/contract/comparators.h"

#include <algorithm>

#include "components/validate/contract/distance.h"
#include "components/validate/personal/mask.h"
#include "operator/base/shown_text.h"

namespace penstock::validate {
namespace {

std::string NumberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

const char* NameOf(Against against) {
  return against == Against::kPrevious ? "previous" : "serving";
}
const char* Other(Against against) {
  return against == Against::kPrevious ? "the run before" : "what is served";
}

// One measure of a column.
struct Measure {
  const char* name;
  const char* type;
  std::optional<double> threshold;
  std::optional<Distance> (*distance)(const statistics::Column&, const statistics::Column&);
};

std::vector<Measure> MeasuresOf(const sdk::Comparison& c) {
  return {
      {"infinityNorm", "COMPARATOR_L_INFTY_HIGH", c.infinity_norm, InfinityNorm},
      {"jensenShannon", "COMPARATOR_JENSEN_SHANNON_DIVERGENCE_HIGH", c.jensen_shannon,
       JensenShannon},
      {"normalizedAbsoluteDifference", "COMPARATOR_NORMALIZED_ABSOLUTE_DIFFERENCE_HIGH",
       c.normalized_absolute_difference, NormalizedAbsoluteDifference},
  };
}

const sdk::Comparison& ComparisonOf(const sdk::SchemaColumn& column, Against against) {
  return against == Against::kPrevious ? column.constraints.drift : column.constraints.skew;
}

bool HasThreshold(const sdk::Comparison& c) {
  return c.infinity_norm || c.jensen_shannon || c.normalized_absolute_difference;
}

// The value that differs most, fit to be told.
std::string Where(const std::string& json) {
  const Json value = Json::parse(json, nullptr, false);
  const std::string text = value.is_string() ? value.get<std::string>() : json;
  return plan::Shown(personal::Masked(text), 100);
}

void CompareColumn(const sdk::SchemaColumn& column, const statistics::Column& data,
                   const statistics::Column& other, Against against, ComparisonResult& result) {
  for (const auto& measure : MeasuresOf(ComparisonOf(column, against))) {
    if (!measure.threshold) continue;
    const auto distance = measure.distance(data, other);
    if (!distance) continue;
    const std::string where = distance->where.empty() ? "" : Where(distance->where);
    result.measurements.push_back({.column = column.name,
                                   .against = NameOf(against),
                                   .measure = measure.name,
                                   .value = distance->value,
                                   .threshold = *measure.threshold,
                                   .where = where});
    if (distance->value <= *measure.threshold) continue;
    result.anomalies.push_back(
        {.type = measure.type,
         .column = column.name,
         .measured = distance->value,
         .threshold = *measure.threshold,
         .description = std::string(measure.name) + " to " + Other(against) + " is " +
                        NumberText(distance->value) + ", above " + NumberText(*measure.threshold) +
                        (where.empty() ? "." : "; '" + where + "' differs most."),
         .advice =
             "Compare the two (the component drift says which values and bins); if the change "
             "is real, train anew or raise the threshold."});
  }
}

void CompareRows(const sdk::RowConstraints& rows, std::int64_t data, std::int64_t other,
                 ComparisonResult& result) {
  if (data == 0 || other == 0) return;
  const double ratio = double(data) / double(other);
  const auto add = [&](const char* type, double threshold, const char* than) {
    result.anomalies.push_back(
        {.type = type,
         .measured = ratio,
         .threshold = threshold,
         .description = "There are " + std::to_string(data) + " rows, " + NumberText(ratio) +
                        " times the " + std::to_string(other) + " of the run before: " + than +
                        " than " + NumberText(threshold) + " times.",
         .advice = "Look whether the source is whole and read once; else change rows.drift."});
  };
  if (rows.least_of_before && ratio < *rows.least_of_before) {
    add("COMPARATOR_LOW_NUM_EXAMPLES", *rows.least_of_before, "less");
  }
  if (rows.most_of_before && ratio > *rows.most_of_before) {
    add("COMPARATOR_HIGH_NUM_EXAMPLES", *rows.most_of_before, "more");
  }
}

}  // namespace

bool NeedsDistinct(const sdk::Schema& schema) {
  return std::any_of(schema.columns.begin(), schema.columns.end(),
                     [](const auto& column) { return column.constraints.distinct.IsGiven(); });
}

bool Compares(const sdk::Schema& schema, bool with_previous, bool with_serving) {
  const bool rows = schema.rows.least_of_before || schema.rows.most_of_before;
  if (with_previous && rows) return true;
  return std::any_of(schema.columns.begin(), schema.columns.end(), [&](const auto& column) {
    return (with_previous && HasThreshold(column.constraints.drift)) ||
           (with_serving && HasThreshold(column.constraints.skew));
  });
}

std::vector<Anomaly> DistinctAnomalies(const sdk::Schema& schema,
                                       const statistics::Statistics& data) {
  std::vector<Anomaly> anomalies;
  for (const auto& column : schema.columns) {
    const auto& range = column.constraints.distinct;
    const auto* of_data = data.Find(column.name);
    if (!range.IsGiven() || of_data == nullptr || of_data->type != column.type) continue;
    const double margin = 3 * of_data->distinct_error * double(of_data->distinct);
    const auto add = [&](const char* type, std::int64_t bound, const char* at) {
      anomalies.push_back({.type = type,
                           .column = column.name,
                           .measured = double(of_data->distinct),
                           .threshold = double(bound),
                           .description = (margin > 0 ? "About " : "") +
                                          std::to_string(of_data->distinct) +
                                          " different values; the schema asks for " + at + " " +
                                          std::to_string(bound) + ".",
                           .advice = "Look for a value that stands for several, or a key that "
                                     "stands twice (the rule unique names the rows)."});
    };
    if (range.minimum && double(of_data->distinct) + margin < double(*range.minimum)) {
      add("FEATURE_TYPE_LOW_UNIQUE", *range.minimum, "at least");
    }
    if (range.maximum && double(of_data->distinct) - margin > double(*range.maximum)) {
      add("FEATURE_TYPE_HIGH_UNIQUE", *range.maximum, "at most");
    }
  }
  return anomalies;
}

ComparisonResult Compare(const sdk::Schema& schema, const statistics::Statistics& data,
                         const statistics::Statistics& other, Against against) {
  ComparisonResult result;
  for (const auto& column : schema.columns) {
    if (!HasThreshold(ComparisonOf(column, against))) continue;
    const auto* of_data = data.Find(column.name);
    if (of_data == nullptr) continue;  // SCHEMA_MISSING_COLUMN says it
    const auto* of_other = other.Find(column.name);
    if (of_other == nullptr) {
      result.anomalies.push_back(
          {.type = "COMPARATOR_CONTROL_DATA_MISSING",
           .column = column.name,
           .description =
               std::string("Cannot be compared: ") + Other(against) + " does not have this column.",
           .advice = "It is new since then: this passes with the next run, or take the threshold "
                     "out of the schema."});
      continue;
    }
    CompareColumn(column, *of_data, *of_other, against, result);
  }
  if (against == Against::kPrevious) CompareRows(schema.rows, data.rows, other.rows, result);
  return result;
}

}  // namespace penstock::validate
