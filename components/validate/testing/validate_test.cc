#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "components/sdk/cells.h"
#include "components/sdk/schema.h"
#include "components/statistics/summary/collect.h"
#include "components/validate/testing/validate_run.h"

namespace penstock::validate {
namespace {

using sdk::TestFolder;

constexpr const char* kSchema =
    "version: 1\ncolumns:\n"
    "- {name: who, type: string, nullable: false, role: id}\n"
    "- {name: n, type: int64, nullable: false, domain: {minimum: 0, maximum: 9}}\n";

void WritePeople(const TestFolder& folder, const std::string& rows) {
  sdk::WriteDataset(
      folder / "d",
      {sdk::BatchOf({arrow::field("who", arrow::utf8()), arrow::field("n", arrow::int64())},
                    rows)});
  std::ofstream(folder / "s.yaml") << kSchema;
}

Ran RunOn(const TestFolder& folder, const Json& parameters = Json::object()) {
  return Validate(folder, parameters, {{"dataset", folder / "d"}, {"schema", folder / "s.yaml"}});
}

TEST(Validate, WithholdsTheDatasetOfABadVerdict) {
  const TestFolder folder;
  WritePeople(folder, R"([["a", 1], ["b", 77]])");
  const auto ran = RunOn(folder);
  EXPECT_EQ(ran.error, "");
  EXPECT_EQ(ran.report["verdict"], "Fail");
  EXPECT_FALSE(std::filesystem::exists(folder / "rest"));
  EXPECT_EQ(TextOfFile(folder / "results/verdict"), "Fail");
  EXPECT_NE(TextOfFile(folder / "results/reason").find("INT_TYPE_BIG_INT (column n)"),
            std::string::npos);
  EXPECT_EQ(TextOfFile(folder / "results/types"), R"(["INT_TYPE_BIG_INT"])");
}

TEST(Validate, GivesTheDatasetAllTheSameWhereThatIsAskedFor) {
  const TestFolder folder;
  WritePeople(folder, R"([["a", 1], ["b", 77]])");
  EXPECT_EQ(RunOn(folder, {{"onError", "Report"}}).report["verdict"], "Fail");
  EXPECT_EQ(sdk::ReadDataset(folder / "rest")->num_rows(), 2);
}

TEST(Validate, FailsTheStepWhereThatIsAskedFor) {
  const TestFolder folder;
  WritePeople(folder, R"([["a", 1], ["b", 77]])");
  EXPECT_NE(RunOn(folder, {{"onError", "Fail"}}).error.find("INT_TYPE_BIG_INT"), std::string::npos);
  WritePeople(folder, R"([["a", 1]])");
  EXPECT_EQ(RunOn(folder, {{"onError", "Fail"}}).error, "");
}

TEST(Validate, LetsAWarningPass) {
  const TestFolder folder;
  WritePeople(folder, R"([["a", 1], ["b", 77]])");
  const auto ran = RunOn(folder, {{"severities", {{"INT_TYPE_BIG_INT", "warn"}}}});
  EXPECT_EQ(ran.report["verdict"], "Pass");
  EXPECT_EQ(ran.report["anomalies"][0]["severity"], "warn");
  EXPECT_EQ(RunOn(folder, {{"severities", {{"INT_TYPE_BIG_INT/who", "warn"}}}}).report["verdict"],
            "Fail");
  EXPECT_NE(
      RunOn(folder, {{"severities", {{"INT_TYPE_BIG_INTS", "warn"}}}}).error.find("did you mean"),
      std::string::npos);
}

TEST(Validate, PartsTheRowsAndKeepsTheirOrder) {
  const TestFolder folder;
  WritePeople(folder, R"([["a", 3], ["b", 77], ["a", 4], ["c", 5]])");
  const Json rules = {{{"check", "unique"}, {"columns", {"who"}}, {"severity", "warn"}}};
  RunOn(folder, {{"rules", rules}, {"onError", "Report"}});
  auto rest = sdk::ReadDataset(folder / "rest");
  auto aside = sdk::ReadDataset(folder / "quarantine");
  EXPECT_EQ(rest->column(1)->ToString().find("4,"), std::string::npos);
  EXPECT_EQ(rest->num_rows(), 3);
  ASSERT_EQ(aside->num_rows(), 1);
  const auto broken = sdk::FindColumn(*aside, "_broken");
  EXPECT_EQ(sdk::CellToText(CellAt(*broken, 0)), "unique of who");
  RunOn(folder, {{"rules", rules}, {"onError", "Report"}, {"quarantine", "All"}});
  aside = sdk::ReadDataset(folder / "quarantine");
  ASSERT_EQ(aside->num_rows(), 2);
  EXPECT_EQ(sdk::CellToText(CellAt(*sdk::FindColumn(*aside, "_broken"), 0)), "schema");
  RunOn(folder, {{"rules", rules}, {"onError", "Report"}, {"quarantine", "None"}});
  EXPECT_EQ(sdk::ReadDataset(folder / "rest")->num_rows(), 4);
}

TEST(Validate, KeepsTheRolesOfTheSchema) {
  const TestFolder folder;
  WritePeople(folder, R"([["a", 1]])");
  RunOn(folder);
  const auto schema = sdk::DatasetSchema(folder / "rest");
  ASSERT_TRUE(schema);
  EXPECT_EQ(schema->Find("who")->role, sdk::Role::kId);
  EXPECT_EQ(schema->Find("n")->domain, (Json{{"minimum", 0}, {"maximum", 9}}));
}

// Mails in a column of keys whose values are also unexpected, and stand twice.
TEST(Validate, NeverTellsADatumOfAPerson) {
  const TestFolder folder;
  Json rows = Json::array();
  for (int i = 0; i < 40; ++i) {
    rows.push_back({"secret" + std::to_string(i % 39) + "@example.org", i % 9});
  }
  WritePeople(folder, rows.dump());
  std::ofstream(folder / "s.yaml")
      << "version: 1\ncolumns:\n- {name: who, type: string, domain: [a], "
         "drift: {infinityNorm: 0}}\n- {name: n, type: int64}\n";
  const Json rules = {{{"check", "unique"}, {"columns", {"who"}}},
                      {{"check", "matches"}, {"column", "who"}, {"pattern", "x"}}};
  const auto ran = Validate(
      folder, {{"rules", rules}},
      {{"dataset", folder / "d"}, {"schema", folder / "s.yaml"}, {"previous", folder / "d"}});
  EXPECT_EQ(ran.error, "");
  EXPECT_TRUE(ran.types.at("who").contains("PERSONAL_DATA"));
  EXPECT_EQ(ran.report["personalData"], (Json{{"who", {"mail"}}}));
  for (const char* output : {"anomalies", "page", "junit", "proposal", "results/reason"}) {
    EXPECT_EQ(TextOfFile(folder / output).find("secret"), std::string::npos) << output;
  }
  EXPECT_NE(TextOfFile(folder / "anomalies").find("xxxxxx9@xxxxxxx.xxx"), std::string::npos);
  const Json expected = {{"personalData", {{"expected", {{"who", {"mail"}}}}}}};
  EXPECT_FALSE(RunOn(folder, expected).types.at("who").contains("PERSONAL_DATA"));
}

TEST(Validate, TakesNoNumbersForCardsThatOnlyHaveTheirForm) {
  const TestFolder folder;
  Json rows = Json::array();
  for (std::int64_t i = 0; i < 2000; ++i) rows.push_back({"x", 4'000'000'000'000'000 + i * 7919});
  WritePeople(folder, rows.dump());
  std::ofstream(folder / "s.yaml") << "version: 1\ncolumns:\n- {name: who, type: string}\n"
                                      "- {name: n, type: int64}\n";
  EXPECT_TRUE(RunOn(folder).report["anomalies"].empty())
      << RunOn(folder).report["anomalies"].dump(1);
}

TEST(Validate, EscapesWhatIsHostileOnItsPages) {
  const TestFolder folder;
  const std::string evil = "\"><script>alert(1)</script>&\x01";
  WritePeople(folder, Json::array({Json::array({evil, 1})}).dump());
  const Json rules = {{{"name", evil}, {"check", "matches"}, {"column", "who"}, {"pattern", "x"}}};
  EXPECT_EQ(RunOn(folder, {{"rules", rules}}).error, "");
  for (const char* output : {"page", "junit"}) {
    const std::string text = TextOfFile(folder / output);
    EXPECT_EQ(text.find("<script"), std::string::npos) << output;
    EXPECT_NE(text.find("&lt;script"), std::string::npos) << output;
    EXPECT_EQ(text.find('\x01'), std::string::npos) << output;
  }
}

TEST(Validate, ProposesASchemaThatTheDataPasses) {
  const TestFolder folder;
  WritePeople(folder, R"([["a", 3], [null, 77], ["a", -4], ["c", 5]])");
  EXPECT_EQ(RunOn(folder).report["verdict"], "Fail");
  const auto proposal = sdk::LoadSchema(folder / "proposal");
  ASSERT_TRUE(proposal) << proposal.error().message;
  EXPECT_EQ(proposal->Find("n")->domain, (Json{{"minimum", -4}, {"maximum", 77}}));
  EXPECT_TRUE(proposal->Find("who")->nullable);
  std::filesystem::copy_file(folder / "proposal", folder / "s.yaml",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_EQ(RunOn(folder).report["verdict"], "Pass");
}

TEST(Validate, InfersASchemaWhereThereIsNone) {
  const TestFolder folder;
  WritePeople(folder, R"([["a", 3], ["b", 7], ["a", 4], ["b", 5]])");
  Validate(folder, Json::object(), {{"dataset", folder / "d"}});
  const auto proposal = sdk::LoadSchema(folder / "proposal");
  ASSERT_TRUE(proposal) << proposal.error().message;
  EXPECT_EQ(proposal->Find("who")->domain, (Json{"a", "b"}));
  EXPECT_FALSE(proposal->Find("who")->nullable);
}

TEST(Validate, ComparesWithTheStatisticsOfTheRunBefore) {
  const TestFolder folder;
  WritePeople(folder, R"([["a", 3], ["a", 7], ["a", 4], ["b", 5]])");
  const auto statistics = statistics::CollectStatistics(folder / "d", {});
  ASSERT_TRUE(statistics) << statistics.error().message;
  ASSERT_TRUE(statistics::SaveStatistics(folder / "before", *statistics));
  WritePeople(folder, R"([["b", 3], ["a", 7], ["c", 4], ["b", 5]])");
  std::ofstream(folder / "s.yaml")
      << "version: 1\ncolumns:\n- {name: who, type: string, drift: {infinityNorm: 0.4}, skew: "
         "{normalizedAbsoluteDifference: 0.1}}\n- {name: n, type: int64}\n";
  const auto ran = Validate(folder, Json::object(),
                            {{"dataset", folder / "d"},
                             {"schema", folder / "s.yaml"},
                             {"statistics", folder / "before"}});
  EXPECT_EQ(ran.error, "");
  EXPECT_TRUE(ran.types.at("who").contains("COMPARATOR_L_INFTY_HIGH"));
  ASSERT_EQ(ran.report["measurements"].size(), 1U);
  EXPECT_EQ(ran.report["measurements"][0]["where"], "a");
  EXPECT_DOUBLE_EQ(ran.report["measurements"][0]["value"], 0.5);
  EXPECT_EQ(ran.report["notes"].size(), 1U);  // nothing of what is served
  const auto skewed = Validate(
      folder, Json::object(),
      {{"dataset", folder / "d"}, {"schema", folder / "s.yaml"}, {"serving", folder / "d"}});
  EXPECT_EQ(skewed.report["measurements"][0]["against"], "serving");
  EXPECT_EQ(skewed.report["verdict"], "Pass");
}

TEST(Validate, HoldsAnEmptyDatasetToItsNumberOfRows) {
  const TestFolder folder;
  WritePeople(folder, "[]");
  EXPECT_EQ(RunOn(folder).report["verdict"], "Pass");
  std::ofstream(folder / "s.yaml") << "version: 1\nrows: {minimum: 1}\n"
                                   << std::string(kSchema).substr(11);
  EXPECT_TRUE(RunOn(folder).types.at("").contains("DATASET_LOW_NUM_EXAMPLES"));
}

}  // namespace
}  // namespace penstock::validate
