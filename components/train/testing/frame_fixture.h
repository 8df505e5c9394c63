// The frame with learners that are made up, over a table of 300 rows and one of 100. For tests.
#pragma once

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "components/sdk/testing/test_data.h"
#include "components/train/testing/fake_learner.h"
#include "components/train/train.h"
#include "components/transform/run.h"
#include "operator/base/file.h"

namespace penstock::train {

// y = x + noise; late: is x above 0?, with mistakes; id: a text.
inline std::shared_ptr<arrow::RecordBatch> RowsOf(int count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  arrow::DoubleBuilder x, y, w;
  arrow::BooleanBuilder late;
  arrow::StringBuilder id, noise;
  for (int i = 0; i < count; ++i) {
    const double number = normal(random);
    EXPECT_TRUE(x.Append(number).ok() && y.Append(number + 0.1 * normal(random)).ok() &&
                late.Append((number > 0) != (random() % 10 == 0)).ok() &&
                w.Append(double(random() % 3)).ok() && id.Append("row" + std::to_string(i)).ok() &&
                noise.Append(random() % 2 == 0 ? "yes" : "no").ok());
  }
  return arrow::RecordBatch::Make(
      arrow::schema({arrow::field("id", arrow::utf8()), arrow::field("x", arrow::float64()),
                     arrow::field("y", arrow::float64()), arrow::field("late", arrow::boolean()),
                     arrow::field("w", arrow::float64()), arrow::field("noise", arrow::utf8())}),
      count,
      {id.Finish().ValueOrDie(), x.Finish().ValueOrDie(), y.Finish().ValueOrDie(),
       late.Finish().ValueOrDie(), w.Finish().ValueOrDie(), noise.Finish().ValueOrDie()});
}

class FrameTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Write("train", RowsOf(300, 1));
    Write("valid", RowsOf(100, 2));
    sdk::Step fit({{"label", "late"}, {"scale", {"x"}}}, {{"dataset", {folder_ / "train", "", ""}}},
                  {{"transform", folder_ / "transform.json"}}, "");
    const auto ok = transform::RunTransform(fit);
    ASSERT_TRUE(ok) << ok.error().message;
    around_.seconds = [this] { return clock_; };
    around_.memory = 1ULL << 30;
    around_.print = [this](const std::string& line) { log_ += line + "\n"; };
    around_.learners = [this](const TrainOptions&) {
      std::vector<std::unique_ptr<Learner>> learners;
      for (const FakeLearner& learner : learners_) {
        learners.push_back(std::make_unique<FakeLearner>(learner));
      }
      return learners;
    };
    learners_.resize(1);
  }

  void Write(const std::string& name, std::shared_ptr<arrow::RecordBatch> rows) {
    auto writer = sdk::DatasetWriter::Create(folder_ / name, rows->schema());
    sdk::Schema schema = sdk::SchemaOf(*rows->schema());
    schema.columns[0].role = sdk::Role::kId;
    (*writer)->Describe(schema, sdk::Carry::kMeaning);
    ASSERT_TRUE((*writer)->Write(rows));
    ASSERT_TRUE((*writer)->Finish());
  }

  Result<void> Run(Json parameters, const std::string& name, bool valid = true) {
    if (!parameters.contains("label")) parameters["label"] = "late";
    std::map<std::string, sdk::StepInput> inputs = {
        {"train", {folder_ / "train", "", ""}},
        {"transform", {folder_ / "transform.json", "", ""}}};
    if (valid) inputs["valid"] = {folder_ / "valid", "", ""};
    const std::string out = folder_ / name;
    std::filesystem::create_directories(out + "/results");
    sdk::Step step(std::move(parameters), std::move(inputs),
                   {{"model", out + "/model"},
                    {"metrics", out + "/metrics.json"},
                    {"report", out + "/report.html"},
                    {"predictions", out + "/predictions"}},
                   out + "/results");
    return train_(step, around_);
  }
  std::string Problem(const Json& parameters) {
    const auto ok = Run(parameters, "problem");
    return ok ? "accepted" : ok.error().message;
  }
  std::string Text(const std::string& name) { return *ReadFile(folder_ / name); }
  Json Metrics(const std::string& name) { return Json::parse(Text(name + "/metrics.json")); }
  std::string ResultOf(const std::string& run, const std::string& name) {
    return Text(run + "/results/" + name);
  }
  // Every byte that a run wrote.
  std::map<std::string, std::string> Files(const std::string& run) {
    std::map<std::string, std::string> files;
    const std::filesystem::path root = folder_ / run;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root)) {
      if (entry.is_regular_file()) {
        files[entry.path().lexically_relative(root)] = *ReadFile(entry.path());
      }
    }
    return files;
  }

  Result<void> (*train_)(sdk::Step&, const Surroundings&) = Train;
  sdk::TestFolder folder_;
  Surroundings around_;
  std::vector<FakeLearner> learners_;
  double clock_ = 0;
  std::string log_;
};

}  // namespace penstock::train
