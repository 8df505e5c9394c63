#include <arrow/api.h>
#include <gtest/gtest.h>

#include "components/sdk/cells.h"
#include "components/validate/rules/rule.h"
#include "components/validate/testing/validate_run.h"

namespace penstock::validate {
namespace {

using sdk::TestFolder;

const arrow::FieldVector& Fields() {
  static const arrow::FieldVector kFields = {
      arrow::field("carrier", arrow::utf8()), arrow::field("flight", arrow::int64()),
      arrow::field("air_time", arrow::float64()),
      arrow::field("at", arrow::timestamp(arrow::TimeUnit::MICRO))};
  return kFields;
}

// Six rows; 2 and 4 are odd.
constexpr const char* kRows = R"([
    ["UA", 1545, 227, "2013-01-01T05:00:00Z"],
    ["UA", 1714, 227, "2013-01-01T05:00:00Z"],
    ["zz", -1, 9999, "2013-01-01T04:00:00Z"],
    [null, null, null, null],
    ["UA", 1545, 160, "2013-01-01T06:00:00Z"],
    ["DL", 461, 116, "2013-01-01T06:00:00Z"]])";

// The anomaly's type of one rule over the six rows, and the rows that it set aside.
std::string Broken(const Json& rule, const Json& more = Json::object()) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {sdk::BatchOf(Fields(), kRows)});
  sdk::WriteDataset(folder / "allowed", {sdk::BatchOf({arrow::field("code", arrow::utf8())},
                                                      R"([["UA"], ["DL"], ["B6"]])")});
  Json parameters = {{"rules", {rule}}, {"onError", "Report"}};
  parameters.update(more);
  const auto ran =
      Validate(folder, parameters, {{"dataset", folder / "d"}, {"allowed", folder / "allowed"}});
  if (!ran.error.empty()) return ran.error;
  std::string text;
  for (const auto& a : ran.report["anomalies"]) text += a["type"].get<std::string>();
  text += ":";
  const auto all = sdk::BatchOf(Fields(), kRows);
  const auto aside = sdk::ReadDataset(folder / "quarantine");
  for (std::int64_t r = 0, next = 0; next < aside->num_rows() && r < 6; ++r) {
    const auto same =
        aside->SelectColumns({0, 1, 2, 3}).ValueOrDie()->Slice(next, 1)->Equals(*all->Slice(r, 1));
    if (!same) continue;
    text += " " + std::to_string(r);
    ++next;
  }
  return text;
}

TEST(Rules, NameTheRowsThatBreakThem) {
  EXPECT_EQ(Broken({{"check", "matches"}, {"column", "carrier"}, {"pattern", "[A-Z]{2}"}}),
            "RULE_PATTERN: 2");
  EXPECT_EQ(Broken({{"check", "matches"}, {"column", "carrier"}, {"pattern", "[A-Z]"}}),
            "RULE_PATTERN: 0 1 2 4 5");  // the whole text
  EXPECT_EQ(Broken({{"check", "range"}, {"column", "flight"}, {"minimum", 0}}), "RULE_RANGE: 2");
  EXPECT_EQ(Broken({{"check", "range"}, {"column", "air_time"}, {"maximum", 227}}),
            "RULE_RANGE: 2");
  EXPECT_EQ(Broken({{"check", "range"}, {"column", "at"}, {"minimum", "2013-01-01T05:00:00Z"}}),
            "RULE_RANGE: 2");
  EXPECT_EQ(Broken({{"check", "notNull"}, {"column", "carrier"}}), "RULE_NULL: 3");
  EXPECT_EQ(Broken({{"check", "allowed"}, {"column", "carrier"}, {"values", {"UA", "DL"}}}),
            "RULE_VALUE_NOT_ALLOWED: 2");
  EXPECT_EQ(Broken({{"check", "allowed"}, {"column", "carrier"}, {"from", "code"}}),
            "RULE_VALUE_NOT_ALLOWED: 2");
  EXPECT_EQ(Broken({{"check", "increasing"}, {"column", "at"}}), "RULE_NOT_INCREASING: 2");
  EXPECT_EQ(Broken({{"check", "increasing"}, {"column", "at"}, {"strictly", true}}),
            "RULE_NOT_INCREASING: 1 2 5");
  EXPECT_EQ(Broken({{"check", "order"}, {"columns", {"air_time", "flight"}}}), "RULE_ORDER: 2");
  EXPECT_EQ(Broken({{"check", "unique"}, {"columns", {"carrier", "flight"}}}),
            "RULE_DUPLICATE_KEY: 4");
  EXPECT_EQ(Broken({{"check", "unique"}, {"columns", {"carrier", "air_time"}}}),
            "RULE_DUPLICATE_KEY: 1");
}

TEST(Rules, AskDuckdbForConditionsOfTheUser) {
  EXPECT_EQ(Broken({{"check", "sql"}, {"sql", "flight > 0 -- of every row"}}), "RULE_SQL: 2");
  EXPECT_EQ(Broken({{"check", "sql"},
                    {"sql", "carrier IS NULL OR carrier IN (SELECT code FROM allowed)"}}),
            "RULE_SQL: 2");
  const Json half = {{"check", "statistics"},
                     {"sql", "SELECT max(nulls * 1.0 / rows) < 0.5 FROM statistics"}};
  EXPECT_EQ(Broken(half), ":");
  const Json none = {{"check", "statistics"}, {"sql", "SELECT max(nulls) = 0 FROM statistics"}};
  EXPECT_EQ(Broken(none), "CUSTOM_VALIDATION:");
  EXPECT_NE(Broken({{"check", "sql"}, {"sql", "no_such_column > 0"}}).find("no_such_column"),
            std::string::npos);
  EXPECT_NE(Broken({{"check", "statistics"}, {"sql", "SELECT 1 FROM statistics"}})
                .find("a condition is one boolean"),
            std::string::npos);
}

TEST(Rules, DoNotTellWhatDuckdbTellsOfAPerson) {
  const TestFolder folder;
  sdk::WriteDataset(folder / "d", {sdk::BatchOf({arrow::field("mail", arrow::utf8())},
                                                R"([["secret@example.org"]])")});
  const auto ran =
      Validate(folder, {{"rules", {{{"check", "sql"}, {"sql", "CAST(mail AS INTEGER) > 0"}}}}},
               {{"dataset", folder / "d"}});
  EXPECT_NE(ran.error.find("xxxxxx@xxxxxxx.xxx"), std::string::npos) << ran.error;
  EXPECT_EQ(ran.error.find("secret"), std::string::npos) << ran.error;
}

TEST(Rules, LetSoManyRowsBreakThemAsMostlySays) {
  const Json rule = {{"check", "range"}, {"column", "flight"}, {"minimum", 0}, {"mostly", 0.8}};
  EXPECT_EQ(Broken(rule),
            ": 2");  // 4 of 5 rows with a value hold; the one is set aside all the same
  Json stricter = rule;
  stricter["mostly"] = 0.81;
  EXPECT_EQ(Broken(stricter), "RULE_RANGE: 2");
  Json kept = rule;
  kept["quarantine"] = false;
  EXPECT_EQ(Broken(kept), ":");
}

TEST(Rules, TakeTheClockFromNow) {
  const Json rule = {{"check", "fresh"}, {"column", "at"}, {"within", "24h"}};
  EXPECT_EQ(Broken(rule, {{"now", "2013-01-02T06:00:00Z"}}), ":");
  EXPECT_EQ(Broken(rule, {{"now", "2013-01-02T06:00:01Z"}}), "RULE_STALE:");
  EXPECT_NE(Broken(rule).find("$(run.scheduledTime)"), std::string::npos);
}

std::string Refused(const Json& rule) {
  const auto rules = ParseRules(Json::array({rule}));
  return rules ? "accepted" : rules.error().message;
}

TEST(Rules, AreRefusedByTheirKey) {
  EXPECT_NE(Refused({{"check", "rang"}, {"column", "x"}}).find("did you mean \"range\"?"),
            std::string::npos);
  EXPECT_NE(Refused({{"check", "range"}, {"column", "x"}, {"minimun", 1}}).find("minimum"),
            std::string::npos);
  EXPECT_NE(Refused({{"check", "range"}, {"column", "x"}}).find("needs minimum or maximum"),
            std::string::npos);
  EXPECT_NE(Refused({{"check", "range"}, {"column", "x"}, {"minimum", 2}, {"maximum", 1}})
                .find("minimum is above maximum"),
            std::string::npos);
  EXPECT_NE(Refused({{"check", "notNull"}, {"column", "x"}, {"mostly", 0}}).find("mostly"),
            std::string::npos);
  EXPECT_NE(Refused({{"check", "unique"}, {"columns", {"a", "a"}}}).find("stands twice"),
            std::string::npos);
  EXPECT_NE(Refused({{"check", "fresh"}, {"column", "t"}, {"within", "36"}}).find("36h"),
            std::string::npos);
  EXPECT_NE(Broken({{"check", "matches"}, {"column", "carrier"}, {"pattern", "["}})
                .find("'[' is no regular expression of RE2: missing ]"),
            std::string::npos);
  EXPECT_NE(
      Broken({{"check", "matches"}, {"column", "flight"}, {"pattern", "1"}}).find("is for text"),
      std::string::npos);
  EXPECT_NE(Broken({{"check", "notNull"}, {"column", "carier"}}).find("there is no column"),
            std::string::npos);
  EXPECT_NE(
      Broken({{"check", "order"}, {"columns", {"carrier", "flight"}}}).find("cannot be compared"),
      std::string::npos);
}

}  // namespace
}  // namespace penstock::validate
