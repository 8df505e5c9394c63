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

TEST(Parameters, NumbersAreThoseOfAFile) {
  for (const auto& [given, value] : {std::pair{"epochs=1e3", "1000"},
                                     {"epochs=1.0", "1"},
                                     {"epochs=5e12", "5000000000000"},
                                     {"epochs=9007199254740993", "9007199254740993"},
                                     {"epochs=-9223372036854775808", "-9223372036854775808"},
                                     {"minAuc=9223372036854775807", "9223372036854775807"},
                                     {"minAuc=1e30", "1e+30"},
                                     {"minAuc=1.2345678901234567e+19", "1.2345678901234567e+19"},
                                     {"minAuc=0.1", "0.1"}}) {
    const auto values = ParseParameters({given}, Declared());
    ASSERT_TRUE(values) << values.error().message;
    EXPECT_EQ(values->begin()->second.dump(), value) << given;
  }
}

TEST(Parameters, AWholeNumberThatWouldBeRoundedIsRefused) {
  for (const char* given :
       {"epochs=12345678901234567890", "minAuc=12345678901234567890", "minAuc=9007199254740993.0",
        "minAuc=9.007199254740993e15", "epochs=9223372036854775808",
        "minAuc=123456789012345678901234567890", "columns=[1,12345678901234567890]",
        "types={\"a\":{\"b\":-12345678901234567890}}"}) {
    const auto values = ParseParameters({given}, Declared());
    ASSERT_FALSE(values) << given;
    EXPECT_NE(values.error().message.find("is a whole number that would be rounded"),
              std::string::npos)
        << values.error().message;
  }
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

TEST(Parameters, AValueThatIsNoUtf8IsNamedAndNotHandedOn) {
  const auto values = ParseParameters({"data=caf\xe9"}, Declared());
  ASSERT_FALSE(values);
  EXPECT_EQ(values.error().message, "parameter data: the value is not UTF-8 text");
}

}  // namespace
}  // namespace penstock::cli
