#include "components/model/example_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<Example> Rows(std::initializer_list<const char*> texts) {
  std::vector<Example> rows;
  for (const char* text : texts) rows.push_back({Json::parse(text), {}});
  return rows;
}

Signature Columns() {
  Signature s;
  s.inputs = {{"who", Datatype::kBytes, {-1}, true, true},
              {"n", Datatype::kInt64, {-1}, true, true}};
  return s;
}

std::string Problem(const Signature& signature, const char* text) {
  const auto rows = Rows({text});
  const auto inputs = InputsOf(signature, rows);
  return inputs ? "" : inputs.error().message;
}

TEST(ExampleJson, RowsBecomeColumnsWithTheirNulls) {
  const auto rows = Rows({R"({"who": "a", "n": 3})", R"({"who": null, "n": 4.0})"});
  const auto inputs = InputsOf(Columns(), rows).value();
  EXPECT_THAT(inputs[0].shape, ElementsAre(2));
  EXPECT_THAT(std::get<std::vector<std::string_view>>(inputs[0].data), ElementsAre("a", ""));
  EXPECT_THAT(inputs[0].nulls, ElementsAre(0, 1));
  EXPECT_THAT(std::get<std::vector<std::int64_t>>(inputs[1].data), ElementsAre(3, 4));
  EXPECT_TRUE(inputs[1].nulls.empty());
}

TEST(ExampleJson, AColumnOfTextMayHoldTimestampsAsIntegers) {
  const auto rows = Rows({R"({"who": 1700000000000000, "n": 1})"});
  EXPECT_EQ(InputsOf(Columns(), rows).value()[0].datatype, Datatype::kInt64);
}

TEST(ExampleJson, TensorsKeepTheirShapeAndWithoutABatchAxisHaveNoRows) {
  Signature s;
  s.inputs = {{"x", Datatype::kFp32, {-1, 2, 2}}};
  const auto rows = Rows({R"({"x": [[1, 2], [3, 4.5]]})"});
  const auto batched = InputsOf(s, rows).value();
  EXPECT_THAT(batched[0].shape, ElementsAre(1, 2, 2));
  EXPECT_THAT(std::get<std::vector<float>>(batched[0].data), ElementsAre(1, 2, 3, 4.5));
  s.batched = false;
  EXPECT_THAT(InputsOf(s, rows).value()[0].shape, ElementsAre(2, 2));
}

TEST(ExampleJson, WhatIsWrongIsNamed) {
  const Signature s = Columns();
  EXPECT_EQ(Problem(s, R"({"who": "a"})"), "it lacks the input 'n'");
  EXPECT_EQ(Problem(s, R"({"who": true, "n": 1})"), "input 'who': element 0 is not a string");
  EXPECT_EQ(Problem(s, R"({"who": "a", "n": 1.5})"), "input 'n': element 0 is not integral");
  EXPECT_THAT(Problem(s, R"({"who": "a", "n": 1e300})"), HasSubstr("out of the range of INT64"));
  EXPECT_THAT(Problem(s, R"({"who": "a", "n": 18446744073709551615})"),
              HasSubstr("out of the range"));
  Signature x;
  x.inputs = {{"x", Datatype::kFp32, {-1, 2, 2}}};
  EXPECT_EQ(Problem(x, R"({"x": [[1, 2], [3]]})"),
            "input 'x': element 2 is not nested as shape [1, 2, 2] says");
  EXPECT_THAT(Problem(x, R"({"x": [[1e39]]})"), HasSubstr("out of the range of FP32"));
  EXPECT_THAT(Problem(x, (R"({"x": )" + std::string(40, '[') + std::string(40, ']') + "}").c_str()),
              HasSubstr("dimensions"));
}

TEST(ExampleJson, AnswersAreCutByRow) {
  const Tensor y{"y", Datatype::kFp32, {2, 2}, std::vector<float>{1, 2, 3, 4}};
  const Tensor ok{"ok", Datatype::kBool, {2}, std::vector<std::uint8_t>{0, 1}};
  EXPECT_EQ(RowOf({y, ok}, true, 1), Json::parse(R"({"y": [3.0, 4.0], "ok": true})"));
  EXPECT_EQ(RowOf({y}, false, 0), Json::parse(R"({"y": [[1.0, 2.0], [3.0, 4.0]]})"));
}

}  // namespace
}  // namespace penstock::model
