#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "components/audit/options.h"
#include "components/audit/run.h"
#include "components/audit/testing/columns.h"
#include "operator/base/file.h"

namespace penstock::audit {
namespace {

using testing::HasSubstr;
using testing::Not;

template <typename Fn>
auto Of(std::size_t rows, Fn fn) {
  std::vector<decltype(fn(std::size_t{0}))> values;
  for (std::size_t i = 0; i < rows; ++i) values.push_back(fn(i));
  return values;
}

// A label that two features tell a little of.
Columns Loans(std::size_t rows, const std::string& name_of_income = "income") {
  const auto bad = [](std::size_t i) {
    return std::int64_t(Uniform(i, 1) < 0.2 + 0.4 * Uniform(i, 2) ? 1 : 0);
  };
  Columns loans;
  loans.Integers("bad", Of(rows, bad));
  loans.Numbers(name_of_income, Of(rows, [](std::size_t i) { return 50 - 30 * Uniform(i, 2); }));
  loans.Texts("city", Of(rows, [](std::size_t i) {
                return "c" + std::to_string(int(30 * Uniform(i, 3)));
              }));
  return loans;
}

struct Stepped {
  sdk::TestFolder folder;
  std::map<std::string, sdk::StepInput> inputs;

  void Give(const std::string& input, const Columns& columns, std::int64_t first = 0,
            std::int64_t count = -1) {
    columns.Write(folder / input, first, count);
    inputs[input] = {folder / input, "", "dataset"};
  }
  Result<void> Run(const Json& parameters) const {
    std::filesystem::create_directories(folder / "results");
    sdk::Step step(parameters, inputs,
                   {{"findings", folder / "findings.json"},
                    {"report", folder / "page.html"},
                    {"issues", folder / "issues"}},
                   folder / "results");
    return RunAudit(step);
  }
  [[nodiscard]] std::string ResultOf(const std::string& name) const {
    return ReadFile(folder / ("results/" + name)).value();
  }
  [[nodiscard]] Json FindingsJson() const {
    return Json::parse(ReadFile(folder / "findings.json").value());
  }
  [[nodiscard]] std::string Page() const { return ReadFile(folder / "page.html").value(); }
};

TEST(Audit, PassesSoundDataWithoutAWordAndSaysWhatItMeasured) {
  Stepped step;
  step.Give("dataset", Loans(3000), 0, 2000);
  step.Give("valid", Loans(3000), 2000, 500);
  step.Give("test", Loans(3000), 2500);
  const auto ok = step.Run({{"label", "bad"}, {"failOn", "warnings"}, {"difference", 0.05}});
  ASSERT_TRUE(ok) << ok.error().message;
  EXPECT_EQ(step.ResultOf("passed"), "true");
  EXPECT_EQ(step.ResultOf("summary"), "0 errors, 0 warnings");
  const Json report = step.FindingsJson();
  EXPECT_EQ(report["rows"], 2000);
  EXPECT_EQ(report["strengths"][0]["column"], "income");
  EXPECT_NEAR(report["precision"]["test"]["halfWidth"].get<double>(), 0.04, 0.01);
  EXPECT_EQ(report["ceiling"]["auc"], 1);
}

TEST(Audit, SaysNoOfALeakAndOfEqualRowsInSeveralParts) {
  Stepped step;
  auto leaky = Loans(3000);
  leaky.Texts("outcome", Of(3000, [](std::size_t i) {
                return std::string(Uniform(i, 1) < 0.2 + 0.4 * Uniform(i, 2) ? "lost" : "paid");
              }));
  step.Give("dataset", leaky, 0, 2000);
  step.Give("test", leaky, 1900);
  ASSERT_TRUE(step.Run({{"label", "bad"}}));
  EXPECT_EQ(step.ResultOf("passed"), "false");
  EXPECT_EQ(step.ResultOf("errors"), "2");
  EXPECT_EQ(Json::parse(step.ResultOf("checks")),
            (Json{{"functionOfLabel", 1}, {"duplicates", 1}}));
  EXPECT_EQ(Json::parse(step.ResultOf("leaks")), Json::array({"outcome"}));
  EXPECT_THAT(step.ResultOf("summary"), HasSubstr("functionOfLabel (outcome)"));
  EXPECT_THAT(step.Page(), HasSubstr("each of its 2 values has one label only"));
  const auto refused = step.Run({{"label", "bad"}, {"failOn", "errors"}});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("not fit to learn from: 2 errors"));
  // What is said of a check is the user's to say.
  ASSERT_TRUE(step.Run({{"label", "bad"},
                        {"failOn", "errors"},
                        {"severities", {{"functionOfLabel", "warning"}, {"duplicates", "off"}}}}));
  EXPECT_EQ(step.ResultOf("passed"), "true");
  EXPECT_EQ(step.ResultOf("warnings"), "1");
}

TEST(Audit, TakesRolesAndNeedsNoLabel) {
  Stepped step;
  auto loans = Loans(500);
  step.Give("dataset", loans.Role("bad", sdk::Role::kLabel).Role("city", sdk::Role::kProtected));
  ASSERT_TRUE(step.Run(Json::object()));
  EXPECT_EQ(step.FindingsJson()["label"], "bad");
  Stepped without;
  without.Give("dataset", Loans(500));
  ASSERT_TRUE(without.Run(Json::object()));
  EXPECT_TRUE(without.FindingsJson()["label"].is_null());
  EXPECT_FALSE(without.FindingsJson().contains("strengths"));
}

TEST(Audit, NamesLabelsThatAreLikelyWrongAsADataset) {
  Stepped step;
  step.Give("dataset", Loans(400));
  const auto truth = [](std::size_t i) { return Uniform(i, 7) < 0.5; };
  Columns predictions;
  predictions.Integers("row", Of(400, [](std::size_t i) { return std::int64_t(i); }));
  predictions.Integers("bad", Of(400, [&](std::size_t i) {
                         return std::int64_t(i % 20 == 0 ? !truth(i) : truth(i));
                       }));
  predictions.Numbers("probability", Of(400, [&](std::size_t i) {
                        return truth(i) ? 0.9 + 0.1 * Uniform(i, 8) : 0.1 * Uniform(i, 8);
                      }));
  step.Give("predictions", predictions);
  ASSERT_TRUE(step.Run({{"label", "bad"}, {"mostIssues", 0.01}}));
  const auto issues = sdk::ReadDataset(step.folder / "issues");
  EXPECT_GE(issues->num_rows(), 15);
  EXPECT_LE(issues->num_rows(), 20);
  const auto& rows = static_cast<const arrow::Int64Array&>(*issues->GetColumnByName("row"));
  for (std::int64_t r = 0; r < issues->num_rows(); ++r) EXPECT_EQ(rows.Value(r) % 20, 0);
  EXPECT_EQ(Json::parse(step.ResultOf("checks"))["labelIssues"], 1);
  EXPECT_EQ(step.ResultOf("labelIssues"), std::to_string(issues->num_rows()));
}

TEST(Audit, ComparesLabellersAndSaysWhoTheyAre) {
  Stepped step;
  auto loans = Loans(300);
  const auto label = [](std::size_t i, std::uint64_t who) {
    return std::string(Uniform(i, who) < 0.5 ? "yes" : "no");
  };
  loans.Texts("anna", Of(300, [&](std::size_t i) { return label(i, 20); }));
  loans.Texts("ben", Of(300, [&](std::size_t i) { return label(i, i % 2 == 0 ? 20 : 21); }));
  step.Give("dataset", loans);
  ASSERT_TRUE(step.Run({{"label", "bad"}, {"labellers", {"anna", "ben"}}}));
  EXPECT_EQ(Json::parse(step.ResultOf("checks"))["labellers"], 1);
  EXPECT_THAT(step.Page(), HasSubstr("anna, ben"));
  EXPECT_THAT(step.Run({{"label", "bad"}, {"labellers", {"anna", "cleo"}}}).error().message,
              HasSubstr("no column cleo"));
}

TEST(Audit, ShowsHostileNamesAndValuesAsText) {
  Stepped step;
  const std::string hostile = "<script>alert(1)</script>\xE2\x80\xAE";
  auto loans = Loans(500, hostile);
  loans.Texts("copy", Of(500, [](std::size_t i) {
                return std::string(Uniform(i, 1) < 0.2 + 0.4 * Uniform(i, 2) ? "<b>" : "\"'&");
              }));
  step.Give("dataset", loans);
  ASSERT_TRUE(step.Run({{"label", "bad"}, {"protected", {"copy"}}}));
  EXPECT_THAT(step.Page(), Not(HasSubstr("<script>alert")));
  EXPECT_THAT(step.Page(), Not(HasSubstr("<b>")));
  EXPECT_THAT(step.Page(), HasSubstr("[U+202E]"));
}

TEST(Audit, GivesTheSameBytesAgain) {
  const auto once = [] {
    Stepped step;
    step.Give("dataset", Loans(2000), 0, 1500);
    step.Give("test", Loans(2000), 1400);
    EXPECT_TRUE(step.Run({{"label", "bad"}, {"seed", 3}}));
    return step.FindingsJson().dump() + step.Page();
  };
  EXPECT_EQ(once(), once());
}

TEST(Audit, SaysWhatIsWrongWithTheDataByName) {
  Stepped step;
  step.Give("dataset", Loans(100));
  EXPECT_THAT(step.Run({{"label", "good"}}).error().message, HasSubstr("no column good"));
  EXPECT_THAT(step.Run({{"label", "city"}, {"task", "regression"}}).error().message,
              HasSubstr("'city' is a text"));
  Stepped constant;
  constant.Give("dataset", Columns().Integers("y", {1, 1, 1}).Numbers("x", {1, 2, 3}));
  EXPECT_THAT(constant.Run({{"label", "y"}}).error().message, HasSubstr("the same in every row"));
}

TEST(AuditOptions, NameWhatIsWrong) {
  const auto problem = [](const Json& p) {
    const auto options = ReadOptions(p);
    return options ? std::string("accepted") : options.error().message;
  };
  EXPECT_EQ(problem({{"severities", {{"duplicates", "off"}}}}), "accepted");
  EXPECT_THAT(problem({{"severities", {{"duplicate", "off"}}}}), HasSubstr("no check duplicate"));
  EXPECT_THAT(problem({{"severities", {{"ids", "loud"}}}}), HasSubstr("severities.ids"));
  EXPECT_THAT(problem({{"labellers", {"a"}}}), HasSubstr("labellers"));
  EXPECT_THAT(problem({{"availableAt", {{"a", 3}}}}), HasSubstr("availableAt.a"));
  EXPECT_THAT(problem({{"difference", 0}}), HasSubstr("difference"));
  EXPECT_THAT(problem({{"expected", 1.5}}), HasSubstr("expected"));
  EXPECT_THAT(problem({{"labels", "y"}}), HasSubstr("labels"));
}

}  // namespace
}  // namespace penstock::audit
