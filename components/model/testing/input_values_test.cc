#include "components/model/input_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace penstock::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

InputSpec Column(Datatype datatype, bool nullable = true) {
  return {"c", datatype, {-1}, true, nullable};
}

template <typename T>
InputTensor Values(Datatype datatype, std::vector<T> values) {
  return {"c", datatype, {static_cast<std::int64_t>(values.size())}, std::move(values), {}};
}

std::string Problem(const InputSpec& spec, InputTensor input) {
  const auto error = TakeValues(spec, &input);
  return error ? error->message : "";
}

// pandas writes a column of integers with a gap as floats with NaN.
TEST(InputValues, TakeNanAndInfinityOfAColumnForMissingWhateverItsType) {
  for (const Datatype type : {Datatype::kFp64, Datatype::kInt64, Datatype::kBool}) {
    InputTensor input =
        Values<double>(Datatype::kFp64, {1, std::nan(""), kInfinity, -kInfinity, 0});
    ASSERT_EQ(TakeValues(Column(type), &input), std::nullopt);
    EXPECT_THAT(input.nulls, ElementsAre(0, 1, 1, 1, 0));
    EXPECT_EQ(Problem(Column(type, false), Values<double>(Datatype::kFp64, {1, std::nan("")})),
              "input 'c': element 1 is not a finite number, and this input takes no nulls");
  }
}

TEST(InputValues, AnInfinityGoesIntoATensorOnlyWhereItsSignatureSaysSo) {
  InputSpec tensor{"x", Datatype::kFp32, {-1, 1}, false, true};
  InputTensor input = Values<float>(Datatype::kFp32, {1, std::nanf("")});
  EXPECT_EQ(TakeValues(tensor, &input), std::nullopt);
  EXPECT_THAT(Problem(tensor, Values<float>(Datatype::kFp32, {1, -HUGE_VALF})),
              HasSubstr("input 'x': element 1 is infinite"));
  tensor.infinite = true;
  EXPECT_EQ(Problem(tensor, Values<float>(Datatype::kFp32, {1, -HUGE_VALF})), "");
  tensor.nullable = false;
  EXPECT_EQ(Problem(tensor, Values<float>(Datatype::kFp32, {1, -HUGE_VALF})), "");
  EXPECT_THAT(Problem(tensor, Values<float>(Datatype::kFp32, {std::nanf("")})),
              HasSubstr("takes no nulls"));
}

// What Python's clients send for None and NaN.
TEST(InputValues, ATextThatStandsForNullIsNullOrRefusedAsOne) {
  InputSpec city = Column(Datatype::kBytes);
  city.null_texts = {"", "None", "nan"};
  InputTensor input = Values<std::string_view>(Datatype::kBytes, {"None", "Seoul", "", "nan "});
  ASSERT_EQ(TakeValues(city, &input), std::nullopt);
  EXPECT_THAT(input.nulls, ElementsAre(1, 0, 1, 0));
  InputTensor file = Values<std::string_view>(Datatype::kBytes, {"None"});
  file.typed = true;  // the same row has the same answer in a file
  ASSERT_EQ(TakeValues(city, &file), std::nullopt);
  EXPECT_THAT(file.nulls, ElementsAre(1));
  city.nullable = false;
  EXPECT_EQ(Problem(city, Values<std::string_view>(Datatype::kBytes, {"Seoul", "nan"})),
            "input 'c': element 1 is the text 'nan', which stands for null, and this input takes "
            "no nulls");
}

TEST(InputValues, PandasWordForAMissingTimeIsNullInAColumnOfTimesAlone) {
  InputSpec when = Column(Datatype::kBytes);
  const auto texts = [] {
    return Values<std::string_view>(Datatype::kBytes, {"2024-05-05T12:00:00Z", "NaT"});
  };
  InputTensor input = texts();
  ASSERT_EQ(TakeValues(when, &input), std::nullopt);
  EXPECT_THAT(input.nulls, testing::IsEmpty());
  when.is_time = true;
  ASSERT_EQ(TakeValues(when, &input), std::nullopt);
  EXPECT_THAT(input.nulls, ElementsAre(0, 1));
  when.nullable = false;
  EXPECT_THAT(Problem(when, texts()), HasSubstr("element 1 is the text 'NaT'"));
}

TEST(InputValues, TextThatIsNotUtf8IsRefused) {
  EXPECT_EQ(Problem(Column(Datatype::kBytes),
                    Values<std::string_view>(Datatype::kBytes, {"Zürich", "Z\xfcrich"})),
            "input 'c': element 1 is not UTF-8");
}

TEST(InputValues, ATimeInAnotherUnitThanMicrosecondsIsRefusedWithTheUnit) {
  InputSpec when = Column(Datatype::kBytes);
  when.is_time = true;
  const auto of = [&](std::int64_t value) {
    return Problem(when, Values<std::int64_t>(Datatype::kInt64, {value}));
  };
  constexpr std::int64_t kSeconds = 1'714'910'400;  // 2024-05-05T12:00:00Z
  EXPECT_EQ(of(kSeconds * 1'000'000), "");
  EXPECT_EQ(of(-2'000'000'000'000'000), "");  // 1906
  for (const std::int64_t wrong :
       {kSeconds, kSeconds * 1'000, kSeconds * 1'000'000'000, std::int64_t{0}, -kSeconds}) {
    EXPECT_THAT(of(wrong), HasSubstr("a time in microseconds since 1970-01-01")) << wrong;
  }
  InputTensor file = Values<std::int64_t>(Datatype::kInt64, {0});
  file.typed = true;  // a file's timestamps are of a known unit
  EXPECT_EQ(Problem(when, file), "");
  InputTensor null = Values<std::int64_t>(Datatype::kInt64, {0});
  null.nulls = {1};
  EXPECT_EQ(Problem(when, null), "");
}

TEST(ExactDouble, IsEveryIntegerThatADoubleGivesBack) {
  for (const std::int64_t exact : {std::int64_t{0}, kExactDouble, -kExactDouble, kExactDouble + 2,
                                   std::numeric_limits<std::int64_t>::min()}) {
    EXPECT_TRUE(IsExactDouble(exact)) << exact;
  }
  for (const std::int64_t rounded :
       {kExactDouble + 1, -kExactDouble - 1, std::numeric_limits<std::int64_t>::max()}) {
    EXPECT_FALSE(IsExactDouble(rounded)) << rounded;
  }
}

}  // namespace
}  // namespace penstock::model
