#include "operator/cli/objects/parameters.h"

#include <gtest/gtest.h>

namespace penstock::cli {
namespace {

using api::ValueType;

const std::vector<api::ParameterSpec>& Declared() {
  static const std::vector<api::ParameterSpec> specs = [] {
    std::vector<api::ParameterSpec> list;
    for (const auto& [name, type] : {std::pair{"data", ValueType::kString},
                                     {"epochs", ValueType::kInteger},
                                     {"minAuc", ValueType::kNumber},
                                     {"fast", ValueType::kBoolean},
                                     {"columns", ValueType::kList},
                                     {"types", ValueType::kObject}}) {
      api::ParameterSpec spec;
      spec.name = name;
      spec.type = type;
      list.push_back(spec);
    }
    return list;
  }();
  return specs;
}

TEST(Parameters, AreReadByTheirDeclaredTypes) {
  const auto values = ParseParameters({"data=http://x/?a=b", "epochs=3", "minAuc=0.5", "fast=true",
                                       "columns=[\"a\"]", "types={\"a\":\"int64\"}"},
                                      Declared());
  ASSERT_TRUE(values) << values.error().message;
  EXPECT_EQ(values->at("data"), "http://x/?a=b");
  EXPECT_EQ(values->at("epochs"), 3);
  EXPECT_EQ(values->at("minAuc"), 0.5);
  EXPECT_EQ(values->at("fast"), true);
  EXPECT_EQ(values->at("columns"), Json::array({"a"}));
  EXPECT_EQ(values->at("types"), Json({{"a", "int64"}}));
}

TEST(Parameters, AStringOfDigitsStaysAString) {
  EXPECT_EQ(ParseParameters({"data=1"}, Declared())->at("data"), "1");
  EXPECT_EQ(ParseParameters({"data="}, Declared())->at("data"), "");
}

TEST(Parameters, EveryMistakeIsToldAtOnce) {
  const auto values = ParseParameters(
      {"epochs=1.5", "nope=1", "fast", "minAuc=high", "data=a", "data=b"}, Declared());
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().message,
            "parameter epochs is of type integer, as epochs=10; \"1.5\" is not\n"
            "parameter nope does not exist; it has data, epochs, minAuc, fast, columns, types\n"
            "parameter \"fast\": write name=value\n"
            "parameter minAuc is of type number, as minAuc=0.5; \"high\" is not\n"
            "parameter data is given twice");
}

}  // namespace
}  // namespace penstock::cli
