#include "components/postgres/types.h"

#include <arrow/type.h>
#include <gtest/gtest.h>

namespace penstock::postgres {
namespace {

const Catalog kCatalog = {{1, {"numeric", "numeric_send", ""}},
                          {2, {"interval", "interval_send", ""}},
                          {3, {"money", "cash_send", ""}},
                          {4, {"integer[]", "array_send", "int4send"}},
                          {5, {"interval[]", "array_send", "interval_send"}},
                          {6, {"hstore", "", ""}},
                          {7, {"timestamp with time zone", "timestamptz_send", ""}}};

// As make_numeric_typmod packs them.
std::int32_t Modifier(int precision, int scale) {
  return ((precision << 16) | (scale & 0x7FF)) + 4;
}

std::string Problem(const std::vector<AnswerColumn>& columns) {
  const auto plans = PlanColumns(columns, kCatalog);
  return plans ? "" : plans.error().message;
}

TEST(PostgresTypes, ANumericIsADecimalOfItsDigits) {
  const auto plans = PlanColumns({{"a", 1, Modifier(10, 2)}, {"b", 1, Modifier(38, 38)}}, kCatalog);
  ASSERT_TRUE(plans) << plans.error().message;
  EXPECT_TRUE(plans->at(0).type->Equals(arrow::decimal128(10, 2)));
  EXPECT_TRUE(plans->at(1).type->Equals(arrow::decimal128(38, 38)));
}

TEST(PostgresTypes, ANumericThatNoDecimalHoldsIsRefused) {
  EXPECT_NE(Problem({{"sum", 1, -1}}).find("column 'sum' is numeric without a precision"),
            std::string::npos);
  for (const auto& [precision, scale] : {std::pair{39, 2}, {3, 5}, {5, -2}, {1000, -1000}}) {
    const std::string type =
        "is numeric(" + std::to_string(precision) + "," + std::to_string(scale) + ");";
    const std::string problem = Problem({{"x", 1, Modifier(precision, scale)}});
    EXPECT_NE(problem.find(type), std::string::npos) << problem;
  }
}

TEST(PostgresTypes, EveryColumnThatIsRefusedIsNamed) {
  const std::string problem = Problem(
      {{"i", 2, -1}, {"fine", 4, -1}, {"m", 3, -1}, {"l", 5, -1}, {"h", 6, -1}, {"u", 9, -1}});
  for (const char* part :
       {"column 'i' is interval, which a dataset does not have; months have no length",
        "column 'm' is money", "CAST(... AS numeric(18,2))", "column 'l' is interval[]",
        "column 'h' is hstore", "column 'u' is of an unknown type", "CAST(... AS text)"}) {
    EXPECT_NE(problem.find(part), std::string::npos) << part << " in " << problem;
  }
  EXPECT_EQ(problem.find("fine"), std::string::npos);
}

TEST(PostgresTypes, AnArrayIsAListAndAZonedTimeIsInUtc) {
  const auto plans = PlanColumns({{"l", 4, -1}, {"t", 7, -1}}, kCatalog);
  ASSERT_TRUE(plans) << plans.error().message;
  EXPECT_TRUE(plans->at(0).type->Equals(arrow::list(arrow::int32())));
  EXPECT_TRUE(plans->at(1).type->Equals(arrow::timestamp(arrow::TimeUnit::MICRO, "UTC")));
}

}  // namespace
}  // namespace penstock::postgres
