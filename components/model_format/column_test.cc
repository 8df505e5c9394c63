#include "components/model_format/column.h"

#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <cmath>
#include <limits>

namespace penstock::sdk {
namespace {

TEST(ParseTimestamp, ReadsTheFormsOfRfc3339) {
  EXPECT_EQ(ParseTimestamp("1970-01-01"), 0);
  EXPECT_EQ(ParseTimestamp("2013-01-01T10:00:00Z"), 1357034400000000);
  EXPECT_EQ(ParseTimestamp("2013-01-01 10:00"), 1357034400000000);
  EXPECT_EQ(ParseTimestamp("2013-01-01T19:00:00.25+09:00"), 1357034400250000);
  EXPECT_EQ(ParseTimestamp("1969-12-31T23:59:59Z"), -1000000);
}

TEST(ParseTimestamp, RefusesWhatIsNone) {
  for (const char* text : {"", "2013", "2013-02-30", "2013-01-01T25:00:00Z", "2013-01-01T10:00:00X",
                           "2013-01-01T10:00:00Z ", "2013-01-01T10:00:00.Z", "13-1-1"}) {
    EXPECT_FALSE(ParseTimestamp(text)) << text;
  }
}

TEST(Coerce, TakesAnIntegralNumberForAnInteger) {
  const Column column = {"n", ColumnType::kInt64, false};
  EXPECT_EQ(std::get<std::int64_t>(*Coerce(Cell(5.0), column)), 5);
  const auto fraction = Coerce(Cell(5.5), column);
  ASSERT_FALSE(fraction);
  EXPECT_NE(fraction.error().message.find("column 'n'"), std::string::npos);
  EXPECT_FALSE(Coerce(Cell(1e300), column));
}

TEST(Coerce, TurnsNanIntoNull) {
  const Column column = {"x", ColumnType::kFloat64, false};
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*Coerce(Cell(std::nan("")), column)));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(
      *Coerce(Cell(std::numeric_limits<double>::infinity()), column)));
  EXPECT_EQ(std::get<double>(*Coerce(Cell(std::int64_t{3}), column)), 3.0);
}

// pandas writes a column of integers with a gap as floats.
TEST(Coerce, TurnsTheNanOfAnIntegerColumnIntoNull) {
  EXPECT_TRUE(std::holds_alternative<std::monostate>(
      *Coerce(Cell(std::nan("")), {"n", ColumnType::kInt64, true})));
}

// pandas writes a column of booleans with a gap as floats, others count with 0 and 1.
TEST(Coerce, TakesNaughtAndOneForABooleanAndNoOtherNumber) {
  const Column rain = {"rain", ColumnType::kBool, true};
  EXPECT_EQ(std::get<bool>(*Coerce(Cell(std::int64_t{1}), rain)), true);
  EXPECT_EQ(std::get<bool>(*Coerce(Cell(0.0), rain)), false);
  EXPECT_EQ(std::get<bool>(*Coerce(Cell(1.0), rain)), true);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(*Coerce(Cell(std::nan("")), rain)));
  for (const Cell& cell : {Cell(std::int64_t{2}), Cell(0.5), Cell(-1.0)}) {
    const auto other = Coerce(cell, rain);
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().message,
              "column 'rain' takes bool: true, false, 0 or 1, got another number");
  }
}

TEST(Coerce, SaysOfANumberOf2To53ThatItMayBeRoundedAndNotThatItHasAFraction) {
  const Column n = {"n", ColumnType::kInt64, false};
  EXPECT_EQ(std::get<std::int64_t>(*Coerce(Cell(0x1p53 - 1), n)), (std::int64_t{1} << 53) - 1);
  const auto rounded = Coerce(Cell(0x1p53), n);  // 2^53 + 1 is no double
  ASSERT_FALSE(rounded);
  EXPECT_NE(rounded.error().message.find("2^53 or beyond, which may have been rounded"),
            std::string::npos);
}

TEST(Coerce, RefusesAnIntegerThatADoubleWouldRound) {
  const Column x = {"x", ColumnType::kFloat64, false};
  EXPECT_EQ(std::get<double>(*Coerce(Cell((std::int64_t{1} << 53) + 2), x)), 0x1p53 + 2);
  for (const std::int64_t value :
       {(std::int64_t{1} << 53) + 1, std::numeric_limits<std::int64_t>::max()}) {
    const auto rounded = Coerce(Cell(value), x);
    ASSERT_FALSE(rounded);
    EXPECT_EQ(rounded.error().message,
              "column 'x' takes float64, which would round the integer " + std::to_string(value));
  }
}

TEST(Coerce, RefusesTheWrongKindAndNamesBoth) {
  const auto wrong = Coerce(Cell(std::int64_t{1}), {"carrier", ColumnType::kString, true});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "column 'carrier' takes string, got an integer");
  EXPECT_FALSE(Coerce(Cell(std::int64_t{2}), {"b", ColumnType::kBool, true}));
  EXPECT_FALSE(Coerce(Cell(std::string_view("x")), {"t", ColumnType::kTimestamp, true}));
  EXPECT_FALSE(Coerce(Cell(true), {"x", ColumnType::kFloat64, true}));
}

// A text that training's file has as null is null to the server.
TEST(NullTexts, AreTheWordsThatIngestReadsAsNull) {
  const YAML::Node manifest =
      YAML::LoadFile(std::string(PENSTOCK_SOURCE_DIR) + "/components/ingest/component.yaml");
  std::vector<std::string> words;
  for (const auto& parameter : manifest["spec"]["parameters"]) {
    if (parameter["name"].as<std::string>() == "nullValues")
      words = parameter["default"].as<std::vector<std::string>>();
  }
  EXPECT_EQ(words, std::vector<std::string>(kNullTexts.begin(), kNullTexts.end()));
}

TEST(ColumnType, NamesGoBothWays) {
  for (const auto type : {ColumnType::kString, ColumnType::kInt64, ColumnType::kFloat64,
                          ColumnType::kBool, ColumnType::kTimestamp}) {
    EXPECT_EQ(ParseColumnType(Name(type)), type);
  }
  EXPECT_FALSE(ParseColumnType("int32"));
}

}  // namespace
}  // namespace penstock::sdk
