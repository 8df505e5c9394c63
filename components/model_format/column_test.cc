#include "components/model_format/column.h"

#include <gtest/gtest.h>

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

TEST(Coerce, RefusesTheWrongKindAndNamesBoth) {
  const auto wrong = Coerce(Cell(std::int64_t{1}), {"carrier", ColumnType::kString, true});
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().message, "column 'carrier' takes string, got an integer");
  EXPECT_FALSE(Coerce(Cell(std::int64_t{2}), {"b", ColumnType::kBool, true}));
  EXPECT_FALSE(Coerce(Cell(std::string_view("x")), {"t", ColumnType::kTimestamp, true}));
  EXPECT_FALSE(Coerce(Cell(true), {"x", ColumnType::kFloat64, true}));
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
