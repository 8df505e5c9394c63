// What is said of a column whose values were looked at: TFDV's names and conditions.
#include <cmath>
#include <cstdio>

#include "components/validate/contract/column_check.h"
#include "components/validate/contract/domain.h"
#include "components/validate/findings/pattern.h"
#include "operator/base/shown_text.h"

namespace penstock::validate {
namespace {

// "3 of 120 values (2.5 %)".
std::string Share(std::int64_t part, std::int64_t all, const char* what) {
  char percent[32];
  std::snprintf(percent, sizeof percent, "%.3g", all == 0 ? 0.0 : 100 * double(part) / double(all));
  return std::to_string(part) + " of " + std::to_string(all) + " " + what + " (" + percent + " %)";
}

Anomaly Of(const std::string& type, const Breaches& breaches, std::string description,
           std::string advice) {
  return {.type = type,
          .count = breaches.count(),
          .description = std::move(description),
          .advice = std::move(advice),
          .examples = breaches.examples()};
}

}  // namespace

// TFDV's order: no value at all is said as that only; then the number, then the share.
void ColumnCheck::AddPresence(std::vector<Anomaly>& to) const {
  const auto& c = column_.constraints;
  const std::int64_t present = counts_.present();
  const double fraction = column_.nullable ? c.presence_fraction.value_or(0) : 1;
  const std::int64_t least = c.presence_count.value_or(0);
  if (counts_.rows == 0) return;
  if (present == 0) {
    if (fraction <= 0 && least <= 0) return;
    to.push_back({.type = "FEATURE_TYPE_NOT_PRESENT",
                  .count = counts_.rows,
                  .measured = 0,
                  .description = "No row has a value.",
                  .advice = "Look at where the column comes from; if it may be empty, take its "
                            "presence (or nullable: false) out of the schema."});
    return;
  }
  if (present < least) {
    to.push_back({.type = "FEATURE_TYPE_LOW_NUMBER_PRESENT",
                  .count = counts_.nulls,
                  .measured = double(present),
                  .threshold = double(least),
                  .description = std::to_string(present) +
                                 " rows have a value; the schema asks for " +
                                 std::to_string(least) + ".",
                  .advice = "Find out why values are missing, or lower presence.count."});
  }
  const double share = double(present) / double(counts_.rows);
  if (fraction >= 1 ? counts_.nulls > 0 : share < fraction) {
    auto anomaly =
        Of("FEATURE_TYPE_LOW_FRACTION_PRESENT", null_,
           Share(counts_.nulls, counts_.rows, "rows") +
               " have no value; the schema asks for a value in " +
               (fraction >= 1 ? "every row." : "a share of " + Json(fraction).dump() + "."),
           "Find out why values are missing; else set nullable: true with a presence of what is "
           "normal.");
    anomaly.count = counts_.nulls;
    anomaly.measured = share;
    anomaly.threshold = fraction;
    to.push_back(std::move(anomaly));
  }
}

Anomaly ColumnCheck::End(const Breaches& breaches, double end, const Json& bound, const char* type,
                         bool least) const {
  auto anomaly =
      Of(type, breaches,
         Share(breaches.count(), counts_.present(), "values") +
             (least ? " are below the domain's minimum, " : " are above the domain's maximum, ") +
             bound.dump() + (least ? "; the least is " : "; the largest is ") +
             sdk::ShownCell(end) + ".",
         std::string("Look at the rows; if they are right, ") +
             (least ? "lower the domain's minimum." : "raise the domain's maximum."));
  if (std::isfinite(end)) anomaly.measured = end;
  anomaly.threshold = bound.get<double>();
  return anomaly;
}

// With a mass of less than 1 some values may be outside.
void ColumnCheck::AddDomain(std::vector<Anomaly>& to) const {
  const std::int64_t present = counts_.present();
  const double outside = 1 - column_.constraints.domain_mass.value_or(1);
  const auto too_many = [&](const Breaches& b) {
    return b.count() > 0 && double(b.count()) / double(present) > outside;
  };
  if (too_many(unexpected_)) {
    auto anomaly = Of("ENUM_TYPE_UNEXPECTED_STRING_VALUES", unexpected_,
                      Share(unexpected_.count(), present, "values") + " are none of the domain's.",
                      "If the values are right, add them to the domain (the output proposal has "
                      "it); else mend their source.");
    anomaly.measured = double(unexpected_.count()) / double(present);
    anomaly.threshold = outside;
    to.push_back(std::move(anomaly));
  }
  const bool integers = column_.type == "int64";
  if (too_many(small_)) {
    to.push_back(End(small_, least_, domain_->minimum,
                     integers ? "INT_TYPE_SMALL_INT" : "FLOAT_TYPE_SMALL_FLOAT", true));
  }
  if (too_many(big_)) {
    to.push_back(End(big_, most_, domain_->maximum,
                     integers ? "INT_TYPE_BIG_INT" : "FLOAT_TYPE_BIG_FLOAT", false));
  }
}

void ColumnCheck::AddValues(std::vector<Anomaly>& to) const {
  const std::int64_t present = counts_.present();
  if (nan_.count() > 0) {
    to.push_back(
        Of("FLOAT_TYPE_HAS_NAN", nan_,
           Share(nan_.count(), present, "values") + " are NaN, which the schema disallows.",
           "A division of zero by zero, or a null written as NaN: make it null where the "
           "data is made."));
  }
  if (infinite_.count() > 0) {
    to.push_back(Of(
        "FLOAT_TYPE_HAS_INF", infinite_,
        Share(infinite_.count(), present, "values") + " are infinite, which the schema disallows.",
        "A division by zero or an overflow: make it null where the data is made."));
  }
  if (unmatched_.count() > 0) {
    to.push_back(Of("RULE_PATTERN", unmatched_,
                    Share(unmatched_.count(), present, "values") + " do not match the pattern " +
                        plan::Shown(column_.constraints.pattern, 120) + ".",
                    "Look at the rows; if they are right, widen the pattern."));
  }
}

void ColumnCheck::AddLists(std::vector<Anomaly>& to) const {
  const auto& range = column_.constraints.value_count;
  const std::int64_t present = counts_.present();
  if (few_.count() > 0) {
    auto anomaly = Of("FEATURE_TYPE_LOW_NUMBER_VALUES", few_,
                      Share(few_.count(), present, "lists") + " have fewer elements than " +
                          std::to_string(*range.minimum) + ".",
                      "Look at the rows; if they are right, lower valueCount.minimum.");
    anomaly.threshold = double(*range.minimum);
    to.push_back(std::move(anomaly));
  }
  if (many_.count() > 0) {
    auto anomaly = Of("FEATURE_TYPE_HIGH_NUMBER_VALUES", many_,
                      Share(many_.count(), present, "lists") + " have more elements than " +
                          std::to_string(*range.maximum) + ".",
                      "Look at the rows; if they are right, raise valueCount.maximum.");
    anomaly.threshold = double(*range.maximum);
    to.push_back(std::move(anomaly));
  }
}

std::vector<Anomaly> ColumnCheck::Anomalies() const {
  std::vector<Anomaly> anomalies;
  // A column without a value has whatever type it was given.
  if (type_ != column_.type && counts_.present() > 0) {
    anomalies.push_back(
        {.type = "UNEXPECTED_DATA_TYPE",
         .description = "The data has " + type_ + " and the schema " + column_.type + ".",
         .advice = "Give the source this schema at ingest (or types), or change the "
                   "type in the schema."});
  }
  AddPresence(anomalies);
  AddDomain(anomalies);
  AddValues(anomalies);
  AddLists(anomalies);
  for (auto& anomaly : anomalies) anomaly.column = column_.name;
  return anomalies;
}

}  // namespace penstock::validate
