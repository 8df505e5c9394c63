#include "components/train/options.h"

#include <gtest/gtest.h>

#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

std::string Problem(const Json& parameters) {
  const auto options = ReadOptions(parameters);
  return options ? "accepted" : options.error().message;
}

TEST(TrainOptions, AParameterOfAnotherModelIsRefusedByName) {
  EXPECT_EQ(Problem({{"model", "linear"}, {"hidden", {8}}}),
            "parameter hidden: is of model mlp, and model is linear; leave it out, or set model: "
            "mlp");
  EXPECT_NE(Problem({{"model", "linear"}, {"overfitOneBatch", true}}).find("of model mlp"),
            std::string::npos);
  EXPECT_NE(Problem({{"model", "boosting"}, {"penalty", 1}}).find("of model linear"),
            std::string::npos);
  EXPECT_EQ(Problem({{"model", "boosting"}, {"learningRate", 0.1}, {"depth", 3}}), "accepted");
  EXPECT_EQ(Problem({{"model", "mlp"}, {"learningRate", 0.1}, {"hidden", Json::array()}}),
            "accepted");
}

TEST(TrainOptions, InitIsOfModelMlpAndItsParametersAreOfIt) {
  const sdk::TestFolder folder;
  ASSERT_TRUE(WriteFileAtomically(folder / "a", "PK\3\4 zip"));
  const auto problem = [&](const Json& parameters, bool init) -> std::string {
    auto options = ReadOptions(parameters);
    if (!options) return options.error().message;
    std::map<std::string, sdk::StepInput> inputs;
    if (init) inputs["init"] = {folder / "a", "", ""};
    const auto read = ReadInit(sdk::Step(parameters, inputs, {}, ""), *options);
    if (!read) return read.error().message;
    EXPECT_EQ(read->has_value(), init);
    EXPECT_EQ(options->mlp.init.given(), init);
    return "accepted";
  };
  const auto has = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  EXPECT_EQ(problem({{"model", "mlp"}, {"freeze", {"w0"}}}, true), "accepted");
  EXPECT_EQ(problem(Json::object(), false), "accepted");
  has(problem(Json::object(), true), "model is auto; set model: mlp");
  has(problem({{"model", "mlp"}, {"networks", 2}}, true), "networks: is what init has");
  has(problem({{"model", "mlp"}, {"freeze", {"w0"}}}, false), "of the input init");
  has(problem({{"model", "mlp"}, {"initUnmatched", "fresh"}}, false), "of the input init");
  has(problem({{"model", "mlp"}, {"initNames", {{"w0", 3}}}}, true), "'w0' must be the name");
  has(problem({{"model", "linear"}, {"freeze", {"w0"}}}, false), "freeze: is of model mlp");
}

TEST(TrainOptions, WhatIsOffByDefaultIsNoParameterOfAnotherModel) {
  EXPECT_EQ(Problem({{"model", "linear"}, {"overfitOneBatch", false}}), "accepted");
  EXPECT_EQ(Problem({{"model", "boosting"}, {"overfitOneBatch", false}}), "accepted");
}

TEST(TrainOptions, AParameterOfOneModelSaysToAutoHowThatOneIsTried) {
  const auto options = ReadOptions({{"epochs", 5}, {"penalty", 2}, {"depth", 3}});
  ASSERT_TRUE(options) << options.error().message;
  EXPECT_EQ(options->mlp.epochs, 5);
  EXPECT_EQ(options->linear.penalty, 2);
  EXPECT_EQ(options->boosting.depth, 3);
}

TEST(TrainOptions, WhatIsNotGivenIsTheLearnersToChoose) {
  const auto options = ReadOptions({{"model", "mlp"}});
  ASSERT_TRUE(options);
  EXPECT_FALSE(options->mlp.hidden);
  EXPECT_FALSE(options->mlp.epochs);
  EXPECT_FALSE(options->boosting.rounds);
  EXPECT_EQ(ReadOptions({{"model", "mlp"}, {"hidden", Json::array()}})->mlp.hidden,
            std::vector<std::int64_t>());
}

TEST(TrainOptions, SaysWhatDoesNotGoTogether) {
  EXPECT_NE(Problem({{"thresholdBy", "f1"}, {"threshold", 0.3}}).find("is chosen by f1"),
            std::string::npos);
  EXPECT_NE(Problem({{"thresholdBy", "cost"}}).find("costs: thresholdBy cost needs"),
            std::string::npos);
  EXPECT_NE(Problem({{"costs", {{"falsePositive", 1}}}}).find("is of thresholdBy cost"),
            std::string::npos);
  EXPECT_NE(Problem({{"quantile", 0.9}}).find("is of loss quantile"), std::string::npos);
  EXPECT_NE(Problem({{"folds", 1}}).find("2 or more"), std::string::npos);
  EXPECT_NE(Problem({{"classWeights", {{"a", -1}}}}).find("weight of 'a'"), std::string::npos);
  EXPECT_NE(Problem({{"positive", {1}}}).find("positive: must be a class"), std::string::npos);
  EXPECT_NE(Problem({{"modle", "linear"}}).find("no such parameter"), std::string::npos);
}

TEST(TrainOptions, APositiveClassMayBeATextANumberOrABoolean) {
  EXPECT_EQ(ReadOptions({{"positive", true}})->positive, Json(true));
  EXPECT_EQ(ReadOptions({{"positive", 3}})->positive, Json(3));
  EXPECT_EQ(ReadOptions({{"positive", "yes"}})->positive, Json("yes"));
}

TEST(TrainOptions, OnlyLinearAndBoostingGoWithoutNetworks) {
  EXPECT_FALSE(MayNeedNetworks({{"model", "linear"}}));
  EXPECT_FALSE(MayNeedNetworks({{"model", "boosting"}}));
  EXPECT_TRUE(MayNeedNetworks({{"model", "mlp"}}));
  EXPECT_TRUE(MayNeedNetworks(Json::object()));
}

}  // namespace
}  // namespace penstock::train
