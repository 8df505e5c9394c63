#include "components/model/signature.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace penstock::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Signature Columns() {
  Signature s;
  s.inputs = {{"carrier", Datatype::kBytes, {-1}, true, true},
              {"hour", Datatype::kInt64, {-1}, true, false}};
  s.outputs = {{"probability", Datatype::kFp32, {-1}}, {"label", Datatype::kBytes, {-1}}};
  return s;
}

Signature Pixels() {
  Signature s;
  s.inputs = {{"x", Datatype::kFp32, {-1, 4}, false, false}};
  return s;
}

InputTensor Text(const std::string& name, std::int64_t rows) {
  return {name,
          Datatype::kBytes,
          {rows},
          std::vector<std::string_view>(static_cast<std::size_t>(rows), "AA"),
          {}};
}
InputTensor Numbers(const std::string& name, std::int64_t rows,
                    Datatype datatype = Datatype::kInt64) {
  return {name, datatype, {rows}, std::vector<std::int64_t>(static_cast<std::size_t>(rows), 1), {}};
}
InputTensor Floats(const Shape& shape, Datatype datatype = Datatype::kFp32) {
  return {
      "x", datatype, shape, std::vector<float>(static_cast<std::size_t>(*ElementCount(shape))), {}};
}

std::string ErrorOf(const Signature& signature, std::vector<InputTensor> inputs) {
  auto rows = FitInputs(signature, &inputs);
  return rows ? "accepted" : rows.error().message;
}

TEST(Signature, PutsInputsIntoItsOrder) {
  std::vector<InputTensor> inputs = {Numbers("hour", 3), Text("carrier", 3)};
  auto rows = FitInputs(Columns(), &inputs);
  ASSERT_TRUE(rows) << rows.error().message;
  EXPECT_EQ(*rows, 3);
  EXPECT_EQ(inputs[0].name, "carrier");
  EXPECT_EQ(inputs[1].name, "hour");
}

TEST(Signature, TakesColumnsOfShapeNByOne) {
  InputTensor hour = Numbers("hour", 2);
  hour.shape = {2, 1};
  EXPECT_EQ(ErrorOf(Columns(), {hour, Text("carrier", 2)}), "accepted");
}

TEST(Signature, TakesIntegersAndDoublesForFloats) {
  EXPECT_EQ(ErrorOf(Pixels(), {Floats({2, 4}, Datatype::kFp64)}), "accepted");
  EXPECT_EQ(ErrorOf(Pixels(), {Floats({2, 4}, Datatype::kInt32)}), "accepted");
}

TEST(Signature, NamesTheInputThatDoesNotFit) {
  EXPECT_THAT(ErrorOf(Columns(), {Text("carrier", 1)}), HasSubstr("input 'hour' is missing"));
  EXPECT_THAT(ErrorOf(Columns(), {}), HasSubstr("input 'carrier' is missing"));
  EXPECT_THAT(ErrorOf(Columns(), {Text("carrier", 1), Numbers("hour", 1), Numbers("minute", 1)}),
              HasSubstr("unknown input 'minute'"));
  EXPECT_THAT(ErrorOf(Columns(), {Text("carrier", 1), Numbers("hour", 1), Numbers("hour", 1)}),
              HasSubstr("input 'hour' is given twice"));
  EXPECT_THAT(ErrorOf(Columns(), {Text("carrier", 1), Text("hour", 1)}),
              HasSubstr("input 'hour' has datatype BYTES"));
  EXPECT_THAT(ErrorOf(Columns(), {Text("carrier", 2), Numbers("hour", 3)}),
              HasSubstr("input 'hour' has 3 rows, input 'carrier' has 2"));
  EXPECT_THAT(ErrorOf(Columns(), {Text("carrier", 0), Numbers("hour", 0)}),
              HasSubstr("input 'carrier' has no rows"));
  EXPECT_THAT(ErrorOf(Pixels(), {Floats({2, 3})}),
              HasSubstr("input 'x' has shape [2, 3], the model takes [-1, 4]"));
  EXPECT_THAT(ErrorOf(Pixels(), {Floats({4})}), HasSubstr("the model takes [-1, 4]"));
  EXPECT_THAT(ErrorOf(Pixels(), {Floats({1, 4}, Datatype::kBool)}),
              HasSubstr("input 'x' has datatype BOOL"));
}

TEST(Signature, RefusesAColumnThatIsAMatrix) {
  InputTensor hour{"hour", Datatype::kInt64, {1, 2}, std::vector<std::int64_t>{1, 2}, {}};
  EXPECT_THAT(ErrorOf(Columns(), {Text("carrier", 1), hour}),
              HasSubstr("input 'hour' is a column"));
}

TEST(Signature, TakesNullsOnlyWhereTheColumnAllowsThem) {
  InputTensor carrier = Text("carrier", 2);
  carrier.nulls = {0, 1};
  EXPECT_EQ(ErrorOf(Columns(), {carrier, Numbers("hour", 2)}), "accepted");
  InputTensor hour = Numbers("hour", 2);
  hour.nulls = {0, 1};
  EXPECT_THAT(ErrorOf(Columns(), {Text("carrier", 2), hour}),
              HasSubstr("input 'hour': element 1 is null"));
  InputTensor x = Floats({1, 4});
  x.nulls = {1, 0, 0, 0};
  EXPECT_THAT(ErrorOf(Pixels(), {x}), HasSubstr("element 0 is null"));
}

TEST(Signature, SelectsAskedOutputsInTheAskedOrder) {
  EXPECT_THAT(*SelectOutputs(Columns(), {}), ElementsAre(0, 1));
  EXPECT_THAT(*SelectOutputs(Columns(), {"label", "probability"}), ElementsAre(1, 0));
  EXPECT_THAT(SelectOutputs(Columns(), {"score"}).error().message,
              HasSubstr("unknown output 'score'"));
  EXPECT_THAT(SelectOutputs(Columns(), {"label", "label"}).error().message,
              HasSubstr("asked for twice"));
}

TEST(Shapes, CountElementsWithoutOverflow) {
  EXPECT_EQ(ElementCount({2, 3}), 6);
  EXPECT_EQ(ElementCount({}), 1);
  EXPECT_EQ(ElementCount({0, 9223372036854775807, 9223372036854775807}), std::nullopt);
  EXPECT_EQ(ElementCount({9223372036854775807, 64}), std::nullopt);
  EXPECT_EQ(ElementCount({4294967296, 4294967296, 4294967296, 4294967296}), std::nullopt);
  EXPECT_EQ(ElementCount({2, -3}), std::nullopt);
  EXPECT_EQ(ElementCount({0, 5}), 0);
}

TEST(Signature, RefusesValuesBeyondTheirBoundsByElement) {
  Signature s = Pixels();
  s.inputs[0].minimum = 0;
  s.inputs[0].maximum = 16;
  InputTensor x = Floats({1, 4});
  std::get<std::vector<float>>(x.data) = {0, 16, 3, 16.5F};
  EXPECT_EQ(ErrorOf(s, {x}), "input 'x': element 3 is 16.5, above the maximum 16");
  std::get<std::vector<float>>(x.data) = {0, -0.5F, 3, 1};
  EXPECT_EQ(ErrorOf(s, {x}), "input 'x': element 1 is -0.5, below the minimum 0");
  std::get<std::vector<float>>(x.data) = {0, 16, 3, 1};
  EXPECT_EQ(ErrorOf(s, {x}), "accepted");
}

TEST(Signature, HoldsNoNullAgainstTheBounds) {
  Signature s;
  s.inputs = {{"n", Datatype::kInt64, {-1}, true, true, 5, std::nullopt}};
  InputTensor n = Numbers("n", 2);
  std::get<std::vector<std::int64_t>>(n.data) = {0, 5};
  n.nulls = {1, 0};
  EXPECT_EQ(ErrorOf(s, {n}), "accepted");
  n.nulls = {0, 1};
  EXPECT_EQ(ErrorOf(s, {n}), "input 'n': element 0 is 0, below the minimum 5");
}

TEST(Signature, CountsNanAndInfinityAsNulls) {
  for (const float bad : {std::nanf(""), HUGE_VALF, -HUGE_VALF}) {
    Signature s = Pixels();
    InputTensor x = Floats({1, 4});
    std::get<std::vector<float>>(x.data)[2] = bad;
    EXPECT_EQ(ErrorOf(s, {x}),
              "input 'x': element 2 is not a finite number, and this input takes no nulls");
    s.inputs[0].nullable = true;
    EXPECT_EQ(ErrorOf(s, {x}),
              std::isnan(bad) ? "accepted"
                              : "input 'x': element 2 is infinite, which is no missing value: send "
                                "NaN for that, or say infinite: true of this input in model.yaml");
  }
}

}  // namespace
}  // namespace penstock::model
