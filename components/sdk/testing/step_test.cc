#include "components/sdk/step.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::sdk {
namespace {

class StepTest : public ::testing::Test {
 protected:
  void Set(const char* variable, const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name) << text;
    ::setenv(variable, (folder_ / name).c_str(), 1);
  }
  void TearDown() override {
    for (const char* v : {"PENSTOCK_PARAMETERS", "PENSTOCK_INPUTS", "PENSTOCK_OUTPUTS",
                          "PENSTOCK_RESULTS", "PENSTOCK_NOT_REUSABLE"}) {
      ::unsetenv(v);
    }
  }
  TestFolder folder_;
};

TEST_F(StepTest, ReadsWhatTheLauncherWrites) {
  Set("PENSTOCK_PARAMETERS", "p", R"({"label": "late", "seed": 1})");
  Set("PENSTOCK_INPUTS", "i", R"({"train": {"path": "/d", "type": "dataset"},
                                  "source": {"uri": "https://x/y"}, "baseline": {"path": ""}})");
  Set("PENSTOCK_OUTPUTS", "o", R"({"model": {"path": "/m", "type": "model"}})");
  ::setenv("PENSTOCK_RESULTS", folder_.path().c_str(), 1);
  const auto step = Step::FromEnvironment();
  ASSERT_TRUE(step) << step.error().message;
  EXPECT_EQ(step->parameters()["seed"], 1);
  EXPECT_EQ(*step->InputPath("train"), "/d");
  EXPECT_FALSE(step->InputPath("source"));
  EXPECT_FALSE(step->HasInput("baseline"));
  EXPECT_EQ(*step->OutputPath("model"), "/m");
  EXPECT_FALSE(step->OutputPath("metrics"));
  ASSERT_TRUE(step->WriteResult("reason", "all checks hold"));
  ASSERT_TRUE(step->WriteResult("blessed", true));
  EXPECT_EQ(*ReadFile(folder_ / "reason"), "all checks hold");
  EXPECT_EQ(*ReadFile(folder_ / "blessed"), "true");
}

TEST_F(StepTest, TellsTheLauncherWhyItsOutputsAreNotToBeReused) {
  ::setenv("PENSTOCK_NOT_REUSABLE", (folder_ / "not-reusable").c_str(), 1);
  const auto step = Step::FromEnvironment();
  ASSERT_TRUE(step);
  EXPECT_FALSE(step->DoNotCache(" \n"));
  ASSERT_TRUE(step->DoNotCache("groups are in the order of chance\n"));
  EXPECT_EQ(*ReadFile(folder_ / "not-reusable"), "groups are in the order of chance");
  ASSERT_TRUE(step->DoNotCache(std::string(2000, 'x')));
  EXPECT_LE(ReadFile(folder_ / "not-reusable")->size(), 512u);
}

TEST_F(StepTest, NamesTheVariableOfABadFile) {
  Set("PENSTOCK_INPUTS", "i", "[1]");
  const auto step = Step::FromEnvironment();
  ASSERT_FALSE(step);
  EXPECT_NE(step.error().message.find("PENSTOCK_INPUTS"), std::string::npos);
  ::setenv("PENSTOCK_INPUTS", (folder_ / "missing").c_str(), 1);
  EXPECT_FALSE(Step::FromEnvironment());
}

TEST_F(StepTest, TakesArgumentsOfACommandLine) {
  Step step(Json::object(), {}, {}, "");
  ASSERT_TRUE(step.AddArguments({"--input", "source=http://x/a=b", "--parameter", "seed=3",
                                 "--parameter", "label=late", "--output", "dataset=out"}));
  EXPECT_EQ(step.inputs().at("source").uri, "http://x/a=b");
  EXPECT_EQ(step.parameters()["seed"], 3);
  EXPECT_EQ(step.parameters()["label"], "late");
  EXPECT_FALSE(step.AddArguments({"--what", "a=b"}));
  EXPECT_FALSE(step.AddArguments({"--input", "ab"}));
  EXPECT_FALSE(step.AddArguments({"--input"}));
}

TEST(Parameters, KeepTheFirstProblemAndRefuseTheUnknown) {
  const Json values = {{"epochs", 0}, {"seed", "x"}};
  Parameters p(values);
  EXPECT_EQ(p.Integer("epochs", 10, 1, 100), 10);
  EXPECT_EQ(p.Integer("seed", 5, 0, 9), 5);
  EXPECT_EQ(p.Finish().error().message, "parameter epochs: must be an integer from 1 to 100");
  const Json unknown = {{"epoch", 3}, {"nothing", nullptr}};
  Parameters q(unknown);
  EXPECT_EQ(q.Integer("epochs", 10, 1, 100), 10);
  EXPECT_EQ(q.Finish().error().message, "parameter epoch: there is no such parameter");
}

TEST(Parameters, TakeANullForNotGiven) {
  const Json values = {{"name", nullptr}, {"dropout", nullptr}};
  Parameters p(values);
  EXPECT_EQ(p.String("name", "late"), "late");
  EXPECT_EQ(p.Number("dropout", 0.1, 0, 1), 0.1);
  EXPECT_TRUE(p.Finish());
}

TEST(Parameters, CheckEveryType) {
  const Json values = {{"a", 1}, {"b", "x"}, {"c", {1, "x"}}, {"d", {0}}, {"e", 1}, {"f", 1}};
  const auto problem = [&](auto read) {
    Parameters p(values);
    read(p);
    return p.Finish().error().message;
  };
  EXPECT_EQ(problem([](auto& p) { (void)p.RequiredString("a"); }), "parameter a: must be a string");
  EXPECT_EQ(problem([](auto& p) { (void)p.Boolean("b", true); }),
            "parameter b: must be true or false");
  EXPECT_EQ(problem([](auto& p) { (void)p.Strings("c"); }),
            "parameter c: must be a list of strings");
  EXPECT_EQ(problem([](auto& p) { (void)p.Integers("d", {}, 1, 9); }),
            "parameter d: must be a list of integers from 1 to 9");
  EXPECT_EQ(problem([](auto& p) { (void)p.Object("e"); }), "parameter e: must be an object");
  EXPECT_EQ(problem([](auto& p) { (void)p.List("f"); }), "parameter f: must be a list");
  EXPECT_EQ(problem([](auto& p) {
              (void)p.OneOf("b", "y", {"y", "z"});
            }),
            "parameter b: must be one of y, z");
  EXPECT_EQ(problem([](auto& p) { (void)p.RequiredString("g"); }), "parameter g: is required");
}

}  // namespace
}  // namespace penstock::sdk
