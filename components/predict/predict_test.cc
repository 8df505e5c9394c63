#include <arrow/api.h>
#include <arrow/json/from_string.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "components/model/testing/sample_model.h"
#include "components/model_format/model_artifact.h"
#include "components/predict/arrow_tensors.h"
#include "components/predict/run.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::predict {
namespace {

using testing::HasSubstr;

const arrow::FieldVector kColumns = {
    arrow::field("key", arrow::int64()), arrow::field("carrier", arrow::utf8()),
    arrow::field("distance", arrow::float64()), arrow::field("날씨", arrow::utf8()),
    arrow::field("hour", arrow::int64())};

class PredictTest : public ::testing::Test {
 protected:
  Result<void> Predict(const Json& parameters = Json::object()) {
    std::filesystem::remove_all(folder_ / "out");
    sdk::Step step(
        parameters,
        {{"model", {folder_ / "model", "", ""}}, {"dataset", {folder_ / "data", "", ""}}},
        {{"predictions", folder_ / "out"}}, folder_ / "results");
    std::filesystem::create_directories(folder_ / "results");
    return RunPredict(step);
  }
  std::string Problem(const Json& parameters = Json::object()) {
    const auto done = Predict(parameters);
    return done ? "" : done.error().message;
  }
  // The examples of the column model as a dataset, `times` over.
  void WriteExamples(int times) {
    model::WriteColumns(folder_ / "model");
    examples_ = sdk::LoadExamples(folder_ / "model").value();
    std::vector<std::shared_ptr<arrow::RecordBatch>> batches;
    Json rows = Json::array();
    for (const auto& example : examples_) {
      const Json& in = example.inputs;
      rows.push_back({rows.size(), in["carrier"], in["distance"], in["날씨"], in["hour"]});
    }
    for (int i = 0; i < times; ++i) batches.push_back(sdk::BatchOf(kColumns, rows.dump()));
    sdk::WriteDataset(folder_ / "data", batches);
  }

  sdk::TestFolder folder_;
  std::vector<sdk::ModelExample> examples_;
};

TEST_F(PredictTest, GivesEveryRowTheAnswerThatTheServerGives) {
  WriteExamples(3);
  for (const std::int64_t batch_rows : {1, 3, 4096}) {
    ASSERT_EQ(Problem({{"batchRows", batch_rows}}), "");
    const auto rows = sdk::ReadDataset(folder_ / "out");
    EXPECT_EQ(rows->schema()->field_names(),
              (std::vector<std::string>{"key", "carrier", "distance", "날씨", "hour", "probability",
                                        "label"}));
    ASSERT_EQ(rows->num_rows(), 12);
    const auto& p = static_cast<const arrow::DoubleArray&>(*rows->GetColumnByName("probability"));
    const auto& label = static_cast<const arrow::StringArray&>(*rows->GetColumnByName("label"));
    const auto& key = static_cast<const arrow::Int64Array&>(*rows->GetColumnByName("key"));
    for (int r = 0; r < 12; ++r) {
      const Json& expected = examples_[std::size_t(r % 4)].outputs;
      EXPECT_NEAR(p.Value(r), expected["probability"].get<double>(), 1e-6);
      EXPECT_EQ(label.GetString(r), expected["label"]);
      EXPECT_EQ(key.Value(r), r % 4);
    }
  }
  EXPECT_EQ(ReadFile(folder_ / "results/rows").value(), "12");
}

TEST_F(PredictTest, KeepsAndNamesWhatWasAskedFor) {
  WriteExamples(1);
  ASSERT_EQ(Problem({{"keep", {"key"}}, {"outputs", {"label"}}, {"prefix", "p_"}}), "");
  EXPECT_EQ(sdk::ReadDataset(folder_ / "out")->schema()->field_names(),
            (std::vector<std::string>{"key", "p_label"}));
}

TEST_F(PredictTest, KeepsDecimalsAndDatesAsTheyAreStored) {
  WriteExamples(1);
  const auto rows = sdk::ReadDataset(folder_ / "data");
  const std::string prices = R"(["1234567890123456789012.34", null, "0.10", "-1.00"])";
  const auto price =
      arrow::json::ArrayFromJSONString(arrow::decimal128(30, 2), prices).ValueOrDie();
  const auto day =
      arrow::json::ArrayFromJSONString(arrow::date32(), "[19723, 0, null, -1]").ValueOrDie();
  const auto with_price = rows->AddColumn(5, "price", price).ValueOrDie();
  sdk::WriteDataset(folder_ / "data", {with_price->AddColumn(6, "day", day).ValueOrDie()});
  ASSERT_EQ(Problem(), "");
  const auto reader = sdk::DatasetReader::Open(folder_ / "out", {"price", "day"}).value();
  ASSERT_TRUE(reader->Next());
  EXPECT_TRUE(reader->source()->column(0)->Equals(price)) << reader->source()->ToString();
  EXPECT_TRUE(reader->source()->column(1)->Equals(day)) << reader->source()->ToString();
}

TEST_F(PredictTest, SaysWhichNameClashesAndWhatToDo) {
  WriteExamples(1);
  EXPECT_THAT(Problem({{"outputs", {"score"}}}), HasSubstr("unknown output 'score'"));
  EXPECT_THAT(Problem({{"keep", {"weight"}}}), HasSubstr("weight"));
  sdk::WriteDataset(folder_ / "data",
                    {sdk::BatchOf({kColumns[1], kColumns[2], kColumns[3], kColumns[4],
                                   arrow::field("label", arrow::utf8())},
                                  R"([["UA", 1, "비", 3, "late"]])")});
  EXPECT_THAT(Problem(), testing::AllOf(HasSubstr("'label'"), HasSubstr("prefix")));
}

TEST_F(PredictTest, NamesTheColumnAndWhereItIsWrong) {
  WriteExamples(1);
  sdk::WriteDataset(folder_ / "data",
                    {sdk::BatchOf(kColumns, R"([[1, "UA", 1, "비", 3], [2, "UA", 1, null, 3]])")});
  EXPECT_THAT(Problem({{"batchRows", 1}}),
              testing::AllOf(HasSubstr("rows from 1 on"), HasSubstr("'날씨'"), HasSubstr("null")));
  sdk::WriteDataset(folder_ / "data", {sdk::BatchOf({kColumns[1]}, R"([["UA"]])")});
  EXPECT_THAT(Problem(), HasSubstr("distance"));
}

TEST_F(PredictTest, RefusesAModelThatFailsItsExamples) {
  WriteExamples(1);
  examples_[1].outputs["probability"] = 0.123;
  ASSERT_TRUE(sdk::SaveExamples(folder_ / "model", examples_));
  EXPECT_THAT(Problem(), HasSubstr("example 2"));
}

TEST_F(PredictTest, TakesListsForTensorsAndGivesLists) {
  model::WriteLayerMlp(folder_ / "model");
  const auto examples = sdk::LoadExamples(folder_ / "model").value();
  for (const bool fixed : {true, false}) {
    auto numbers = std::make_shared<arrow::FloatBuilder>();
    std::unique_ptr<arrow::ArrayBuilder> lists;
    if (fixed) {
      lists =
          std::make_unique<arrow::FixedSizeListBuilder>(arrow::default_memory_pool(), numbers, 64);
    } else {
      lists = std::make_unique<arrow::ListBuilder>(arrow::default_memory_pool(), numbers);
    }
    for (const auto& example : examples) {
      ASSERT_TRUE(fixed ? static_cast<arrow::FixedSizeListBuilder&>(*lists).Append().ok()
                        : static_cast<arrow::ListBuilder&>(*lists).Append().ok());
      for (const Json& x : example.inputs["x"]) ASSERT_TRUE(numbers->Append(x.get<float>()).ok());
    }
    const auto array = lists->Finish().ValueOrDie();
    sdk::WriteDataset(folder_ / "data",
                      {arrow::RecordBatch::Make(arrow::schema({arrow::field("x", array->type())}),
                                                array->length(), {array})});
    ASSERT_EQ(Problem({{"keep", Json::array()}}), "");
    const auto rows = sdk::ReadDataset(folder_ / "out");
    const auto& y = static_cast<const arrow::FixedSizeListArray&>(*rows->GetColumnByName("y"));
    const auto& values = static_cast<const arrow::DoubleArray&>(*y.values());
    ASSERT_EQ(values.length(), std::int64_t(examples.size()) * 10);
    for (std::int64_t i = 0; i < values.length(); ++i) {
      EXPECT_NEAR(values.Value(i), examples[std::size_t(i / 10)].outputs["y"][i % 10].get<double>(),
                  1e-5);
    }
  }
}

TEST(ArrowTensors, NameTheRowOfAListThatDoesNotFit) {
  auto numbers = std::make_shared<arrow::FloatBuilder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), numbers);
  for (const int n : {2, 3}) {
    ASSERT_TRUE(lists.Append().ok());
    for (int i = 0; i < n; ++i) ASSERT_TRUE(numbers->Append(1).ok());
  }
  const auto array = lists.Finish().ValueOrDie();
  const model::InputSpec spec{"x", model::Datatype::kFp32, {-1, 2}};
  const auto input = ToInput(*array, spec);
  ASSERT_FALSE(input);
  EXPECT_THAT(input.error().message, HasSubstr("'x' row 1 has 3, the model takes 2 values"));
  EXPECT_FALSE(ToInput(*array, {"x", model::Datatype::kFp32, {-1}}));
}

// A small file: nobody told that day what is null in every row.
TEST_F(PredictTest, AColumnOfNothingButNullsIsNullsWhateverItsInputTakes) {
  WriteExamples(1);
  const auto typed = sdk::BatchOf(kColumns, R"([[1, null, null, "비", null]])");
  sdk::WriteDataset(folder_ / "data", {typed});
  ASSERT_EQ(Problem(), "");
  const auto truth = sdk::ReadDataset(folder_ / "out")->GetColumnByName("probability");
  const auto nothing = arrow::MakeArrayOfNull(arrow::null(), 1).ValueOrDie();
  arrow::FieldVector fields = kColumns;
  arrow::ArrayVector arrays = typed->columns();
  for (const auto& type : {arrow::null(), arrow::utf8(), arrow::int64()}) {
    for (const std::size_t i : {1, 2, 4}) {
      fields[i] = arrow::field(fields[i]->name(), type);
      arrays[i] = arrow::MakeArrayOfNull(type, 1).ValueOrDie();
    }
    sdk::WriteDataset(folder_ / "data",
                      {arrow::RecordBatch::Make(arrow::schema(fields), 1, arrays)});
    ASSERT_EQ(Problem(), "") << type->ToString();
    EXPECT_TRUE(sdk::ReadDataset(folder_ / "out")->GetColumnByName("probability")->Equals(truth));
  }
  fields[3] = arrow::field(fields[3]->name(), arrow::null());
  arrays[3] = nothing;
  sdk::WriteDataset(folder_ / "data", {arrow::RecordBatch::Make(arrow::schema(fields), 1, arrays)});
  EXPECT_THAT(Problem(), testing::AllOf(HasSubstr("'날씨'"), HasSubstr("is null")));
}

TEST_F(PredictTest, TextThatWasReadAsNumbersIsRefusedWithWhatToDo) {
  WriteExamples(1);
  auto fields = kColumns;
  fields[1] = arrow::field("carrier", arrow::int64());
  sdk::WriteDataset(folder_ / "data", {sdk::BatchOf(fields, R"([[1, 501, 1, "비", 3]])")});
  EXPECT_THAT(Problem(), testing::AllOf(HasSubstr("column 'carrier' is of type int64"),
                                        HasSubstr("types: {carrier: string}")));
}

TEST_F(PredictTest, ReadsWhatTheValuesMeanAsTheServerDoes) {
  WriteExamples(1);
  const auto write = [&](const arrow::FieldVector& fields, const std::string& rows) {
    sdk::WriteDataset(folder_ / "data", {sdk::BatchOf(fields, rows)});
  };
  const auto probability = [&] {
    return sdk::ReadDataset(folder_ / "out")->GetColumnByName("probability");
  };
  write(kColumns, R"([[1, "UA", null, "비", 3]])");
  ASSERT_EQ(Problem(), "");
  const auto null = probability();
  for (const double missing : {std::nan(""), HUGE_VAL}) {
    arrow::DoubleBuilder builder;
    ASSERT_TRUE(builder.Append(missing).ok());
    const auto batch = sdk::BatchOf(kColumns, R"([[1, "UA", null, "비", 3]])");
    sdk::WriteDataset(
        folder_ / "data",
        {batch->SetColumn(2, kColumns[2], builder.Finish().ValueOrDie()).ValueOrDie()});
    ASSERT_EQ(Problem(), "");
    EXPECT_TRUE(probability()->Equals(null)) << missing;
  }
  auto fields = kColumns;
  fields[4] = arrow::field("hour", arrow::float64());
  write(fields, R"([[1, "UA", 1, "비", 9007199254740994.0]])");
  EXPECT_THAT(Problem(), HasSubstr("2^53 or beyond, which may have been rounded"));
  fields = kColumns;
  fields[2] = arrow::field("distance", arrow::int64());
  write(fields, R"([[1, "UA", 9007199254740993, "비", 3]])");
  EXPECT_THAT(Problem(), HasSubstr("would round the integer 9007199254740993"));
}

TEST(ToInput, TimesAreOfTheirOwnUnitAndNumbersAreHeldToTheServersRule) {
  const model::InputSpec when{"when", model::Datatype::kBytes, {-1}, true, true, {}, {}, false,
                              true};
  model::Signature signature;
  signature.inputs = {when};
  const auto problem = [&](std::int64_t value, bool is_time) {
    arrow::Int64Builder builder;
    EXPECT_TRUE(builder.Append(value).ok());
    auto array = builder.Finish().ValueOrDie();
    if (is_time) array = array->View(arrow::timestamp(arrow::TimeUnit::MICRO)).ValueOrDie();
    auto input = ToInput(*array, signature.inputs[0]);
    if (!input) return input.error().message;
    std::vector<model::InputTensor> inputs = {*std::move(input)};
    const auto fitted = model::FitInputs(signature, &inputs);
    return fitted ? std::string() : fitted.error().message;
  };
  EXPECT_EQ(problem(5, true), "");
  EXPECT_EQ(problem(1'704'412'800'000'000, false), "");
  EXPECT_THAT(problem(1'704'412'800, false), HasSubstr("is it of another unit?"));
  signature.inputs[0] = {"when", model::Datatype::kInt64, {-1}, true, true};
  EXPECT_EQ(problem(5, true), "column 'when' is of type timestamp[us], the model takes INT64");
}

// The kernel adds its per-thread counts up now and then, so that it may fall by some pages.
long PeakKiB() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("VmHWM:")) return std::stol(line.substr(6));
  }
  return 0;
}

// Ten times the rows may not cost more memory: the dataset's row groups are streamed.
TEST_F(PredictTest, NeedsNoMoreMemoryForMoreRows) {
  WriteExamples(1);
  const auto write = [&](int batches) {
    arrow::Int64Builder key, hour;
    arrow::StringBuilder carrier, weather;
    arrow::DoubleBuilder distance;
    for (int i = 0; i < 50'000; ++i) {
      ASSERT_TRUE(key.Append(i).ok() && hour.Append(i % 24).ok() && carrier.Append("UA").ok() &&
                  weather.Append("비").ok() && distance.Append(i).ok());
    }
    const auto batch = arrow::RecordBatch::Make(
        arrow::schema(kColumns), 50'000,
        {key.Finish().ValueOrDie(), carrier.Finish().ValueOrDie(), distance.Finish().ValueOrDie(),
         weather.Finish().ValueOrDie(), hour.Finish().ValueOrDie()});
    sdk::WriteDataset(folder_ / "data", std::vector<std::shared_ptr<arrow::RecordBatch>>(
                                            std::size_t(batches), batch));
  };
  write(4);
  ASSERT_EQ(Problem(), "");
  write(40);
  const long before = PeakKiB();
  ASSERT_EQ(Problem(), "");
  EXPECT_EQ(ReadFile(folder_ / "results/rows").value(), "2000000");
  EXPECT_LT(PeakKiB(), before + 40 * 1024);
}

}  // namespace
}  // namespace penstock::predict
