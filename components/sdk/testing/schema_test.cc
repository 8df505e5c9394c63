#include "components/sdk/schema.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <fstream>

#include "components/model_format/model_artifact.h"
#include "components/sdk/arrow_types.h"
#include "components/sdk/testing/test_data.h"

namespace penstock::sdk {
namespace {

Schema Example() {
  Schema schema;
  schema.columns.push_back(
      {.name = "이름: \"q\"", .type = "string", .nullable = false, .domain = {"AA", "no", "7"}});
  schema.columns.push_back({.name = "d",
                            .type = "int64",
                            .unit = "mile",
                            .domain = {{"minimum", 0}, {"maximum", 9223372036854775807}}});
  schema.columns.push_back({.name = "price", .type = "decimal(10,2)"});
  schema.columns.push_back({.name = "tags", .type = "list<decimal(4,1)>"});
  schema.columns.push_back(
      {.name = "late", .type = "bool", .role = Role::kLabel, .domain = Json::array({true})});
  return schema;
}

std::string Refused(const std::string& column) {
  const auto schema = ParseSchema("version: 1\ncolumns:\n- {" + column + "}\n", "s");
  return schema ? "accepted" : schema.error().message;
}

TEST(Schema, ComesBackFromItsTextAsItWas) {
  const auto again = ParseSchema(FormatSchema(Example()), "s");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, Example());
  EXPECT_EQ(SchemaDigest(*again), SchemaDigest(Example()));
}

TEST(Schema, HasOneDigestHoweverAPersonWritesIt) {
  const auto flow = ParseSchema(
      "version: 1\ncolumns:\n- {name: x, type: 'decimal(10, 2)', role: feature, nullable: true}\n",
      "s");
  const auto block =
      ParseSchema("columns:\n- type: decimal(10,2)\n  name: \"x\"\nversion: 1\n", "s");
  ASSERT_TRUE(flow && block);
  EXPECT_EQ(SchemaDigest(*flow), SchemaDigest(*block));
  EXPECT_NE(SchemaDigest(*flow), SchemaDigest(Example()));
}

TEST(Schema, RefusesAMistypedKeyRoleAndTypeByLine) {
  EXPECT_NE(Refused("name: x, type: int64, rol: label")
                .find("line 3: 'rol' is unknown; did you "
                      "mean \"role\"?"),
            std::string::npos)
      << Refused("name: x, type: int64, rol: label");
  EXPECT_NE(Refused("name: x, type: int64, role: lable").find("did you mean \"label\"?"),
            std::string::npos);
  EXPECT_NE(Refused("name: x, type: int").find("column 'x': type 'int' is none of string"),
            std::string::npos);
  EXPECT_NE(Refused("name: x").find("type is missing"), std::string::npos);
  EXPECT_NE(Refused("name: '', type: int64").find("name is empty"), std::string::npos);
  EXPECT_NE(Refused("name: \xE9, type: int64").find("UTF-8"), std::string::npos)
      << Refused("name: \xE9, type: int64");
  EXPECT_NE(Refused("name: x, type: int64}\n- {name: x, type: bool")
                .find("line 4: column 'x' "
                      "stands twice"),
            std::string::npos);
  EXPECT_NE(Refused("name: x, name: y, type: int64").find("stands twice"), std::string::npos);
  EXPECT_NE(Refused("name: x, type: int64, nullable: maybe").find("true or false"),
            std::string::npos);
  EXPECT_NE(Refused("name: x, type: int64, domain: [1, a]").find("'a' is no int64"),
            std::string::npos);
  EXPECT_NE(Refused("name: x, type: string, domain: {minimum: 1}").find("are for int64"),
            std::string::npos);
  EXPECT_NE(ParseSchema("version: 2\ncolumns: []\n", "s").error().message.find("version must be 1"),
            std::string::npos);
}

// Every key there is.
constexpr const char* kConstrained =
    "version: 1\nenvironments: [training, serving]\n"
    "rows: {minimum: 100, maximum: 2000, drift: {minimum: 0.5, maximum: 2}}\ncolumns:\n"
    "- {name: c, type: string, domain: [AA, no], domainMass: 0.99, pattern: \"[A-Z]{2}\",\n"
    "   presence: {fraction: 0.9, count: 10}, distinct: {minimum: 1, maximum: 2},\n"
    "   drift: {infinityNorm: 0.1, jensenShannon: 0.2, normalizedAbsoluteDifference: 0.3,\n"
    "           floor: 0.05, statistic: psi}, skew: {infinityNorm: 0.01}}\n"
    "- {name: x, type: float64, disallow: [nan, infinite], environments: [training],\n"
    "   drift: {ignore: true}}\n"
    "- {name: l, type: list<string>, valueCount: {minimum: 1, maximum: 3}, notIn: [serving]}\n";

TEST(Schema, KeepsWhatItAsksOfTheDataThroughItsText) {
  const auto schema = ParseSchema(kConstrained, "s");
  ASSERT_TRUE(schema) << schema.error().message;
  const auto& c = schema->Find("c")->constraints;
  EXPECT_EQ(c.presence_fraction, 0.9);
  EXPECT_EQ(c.presence_count, 10);
  EXPECT_EQ(c.distinct.maximum, 2);
  EXPECT_EQ(c.domain_mass, 0.99);
  EXPECT_EQ(c.pattern, "[A-Z]{2}");
  EXPECT_EQ(c.drift.statistic, "psi");
  EXPECT_EQ(c.skew.infinity_norm, 0.01);
  EXPECT_TRUE(schema->Find("x")->constraints.disallow_nan);
  EXPECT_TRUE(schema->Find("x")->constraints.drift.ignore);
  EXPECT_EQ(schema->Find("l")->constraints.value_count.minimum, 1);
  EXPECT_EQ(schema->rows.most_of_before, 2);
  const auto again = ParseSchema(FormatSchema(*schema), "s");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *schema);
}

// Of a program that knew none of these keys.
TEST(Schema, HasTheDigestOfBeforeWhereItAsksForNothing) {
  const auto schema = ParseSchema(
      "version: 1\ncolumns:\n- {name: x, type: int64, domain: {minimum: 0}, role: id}\n", "s");
  ASSERT_TRUE(schema);
  EXPECT_EQ(CanonicalJson(ToJson(*schema)),
            R"({"columns":[{"domain":{"minimum":0},"name":"x","nullable":true,"role":"id",)"
            R"("type":"int64"}],"version":1})");
}

TEST(Schema, RefusesWhatNoDataCouldMeetOrBreak) {
  const auto refused = [](const std::string& column, const std::string& why) {
    EXPECT_NE(Refused(column).find(why), std::string::npos) << Refused(column);
  };
  refused("name: x, type: string, presence: {fraction: 1.5}", "line 3: fraction must be a number");
  refused("name: x, type: string, presence: {fraction: nan}", "must be a number from 0");
  refused("name: x, type: string, presence: {count: -1}", "must be an integer from 0");
  refused("name: x, type: string, presence: 0.9", "must be a mapping such as {fraction: ...");
  refused("name: x, type: int64, distinct: {minimum: 3, maximum: 2}", "minimum is above maximum");
  refused("name: x, type: int64, valueCount: {minimum: 3}", "valueCount is for lists");
  refused("name: x, type: int64, disallow: [nan]", "disallow is for float64");
  refused("name: x, type: float64, disallow: [zero]", "disallow has nan and infinite");
  refused("name: x, type: int64, pattern: a", "pattern is for string");
  refused("name: x, type: string, domainMass: 0.9", "domainMass needs a domain");
  refused("name: x, type: string, notIn: [serving]", "none of the schema's environments");
  refused("name: x, type: int64, drift: {ignore: maybe}", "ignore must be true or false");
  refused("name: x, type: int64, skew: {ignore: true}", "ignore is for drift");
  refused("name: x, type: int64, drift: {ignore: true, floor: 0.1}", "no floor and no statistic");
  refused("name: x, type: string, drift: {infinitynorm: 0.1}", "did you mean \"infinityNorm\"?");
}

TEST(Schema, CarriesOnlyWhatIsTrueOfOtherRows) {
  const auto schema = ParseSchema(kConstrained, "s");
  ASSERT_TRUE(schema);
  const auto carried = [&](Carry what) {
    Schema to;
    to.columns.push_back({.name = "c", .type = "string"});
    CarryOver(*schema, what, to);
    return to.columns[0].constraints;
  };
  EXPECT_EQ(carried(Carry::kRole), Constraints());
  EXPECT_EQ(carried(Carry::kMeaning).pattern, "[A-Z]{2}");
  EXPECT_FALSE(carried(Carry::kMeaning).presence_count);
  EXPECT_EQ(carried(Carry::kAll).presence_count, 10);
}

TEST(Schema, TakesTheInputsOfAModelForColumns) {
  ModelManifest manifest;
  manifest.inputs = {{"a", ColumnType::kInt64, false}, {"t", ColumnType::kTimestamp, true}};
  manifest.bounds["a"] = {1.0, std::nullopt};
  const Schema schema = SchemaOf(manifest);
  ASSERT_EQ(schema.columns.size(), 2U);
  EXPECT_EQ(schema.columns[0].domain, (Json{{"minimum", 1}}));
  EXPECT_EQ(schema.columns[1].type, "timestamp");
  EXPECT_FALSE(schema.columns[0].nullable);
}

TEST(Schema, FindsTheOneColumnOfARole) {
  Schema schema = Example();
  EXPECT_EQ(*TheColumnOf(schema, Role::kLabel), "late");
  EXPECT_EQ(TheColumnOf(schema, Role::kWeight).error().kind, ErrorKind::kNotFound);
  schema.columns[1].role = Role::kLabel;
  EXPECT_NE(TheColumnOf(schema, Role::kLabel).error().message.find("'d', 'late'"),
            std::string::npos);
}

TEST(StoredType, KeepsWhatAValueIs) {
  const auto stored = [](const std::shared_ptr<arrow::DataType>& type) {
    const auto out = StoredType(type);
    return out == nullptr ? std::string("none") : TypeText(*out);
  };
  EXPECT_EQ(stored(arrow::uint8()), "int64");
  EXPECT_EQ(stored(arrow::float16()), "float64");
  EXPECT_EQ(stored(arrow::time64(arrow::TimeUnit::NANO)), "string");
  EXPECT_EQ(stored(arrow::date64()), "date");
  EXPECT_EQ(stored(arrow::dictionary(arrow::int8(), arrow::large_utf8())), "string");
  EXPECT_EQ(stored(arrow::fixed_size_binary(3)), "binary");
  EXPECT_EQ(stored(arrow::large_list(arrow::int16())), "list<int64>");
  EXPECT_EQ(stored(arrow::decimal128(12, 3)), "decimal(12,3)");
  EXPECT_EQ(stored(arrow::null()), "string");
  EXPECT_EQ(stored(arrow::struct_({})), "none");
  EXPECT_EQ(stored(arrow::list(arrow::struct_({}))), "none");
}

template <typename Builder, typename Value>
std::shared_ptr<arrow::Array> ArrayOf(const std::vector<Value>& values) {
  Builder builder;
  for (const auto& value : values) {
    if (!builder.Append(value).ok()) throw std::runtime_error("Append");
  }
  return builder.Finish().ValueOrDie();
}

std::string Problem(const std::shared_ptr<arrow::Array>& array,
                    const std::shared_ptr<arrow::DataType>& type) {
  const auto out = ToStored(array, type, 100);
  return out ? "accepted" : out.error().message;
}

TEST(ToStored, NamesTheRowAndTheValueThatWouldChange) {
  EXPECT_EQ(Problem(ArrayOf<arrow::UInt64Builder, std::uint64_t>({1, 2, 18446744073709551615ULL}),
                    arrow::int64()),
            "row 102: '18446744073709551615' (uint64) cannot be kept as int64");
  EXPECT_NE(
      Problem(ArrayOf<arrow::Int64Builder, std::int64_t>({9007199254740992, 9007199254740993}),
              arrow::float64())
          .find("row 101: '9007199254740993'"),
      std::string::npos);
  EXPECT_NE(Problem(ArrayOf<arrow::BinaryBuilder, std::string>({"ok", "caf\xE9"}), arrow::utf8())
                .find("row 101: 'caf?' is no UTF-8"),
            std::string::npos);
  EXPECT_NE(Problem(ArrayOf<arrow::StringBuilder, std::string>({"caf\xE9"}), arrow::utf8())
                .find("row 100"),
            std::string::npos);
  for (const char* text : {"007", "0x1F", "+1", "1.0", "9223372036854775808"}) {
    EXPECT_NE(Problem(ArrayOf<arrow::StringBuilder, std::string>({"7", text}), arrow::int64())
                  .find("row 101: '" + std::string(text) + "' (string) cannot be kept as int64"),
              std::string::npos)
        << text;
  }
  EXPECT_EQ(Problem(ArrayOf<arrow::StringBuilder, std::string>({"2024-02-29T01:02:03Z"}),
                    arrow::timestamp(arrow::TimeUnit::MICRO)),
            "accepted");
  EXPECT_NE(Problem(ArrayOf<arrow::StringBuilder, std::string>({"2023-02-29"}),
                    arrow::timestamp(arrow::TimeUnit::MICRO))
                .find("cannot be kept as timestamp"),
            std::string::npos);
}

}  // namespace
}  // namespace penstock::sdk
