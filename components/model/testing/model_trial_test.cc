// What a model is tried with before it is ready: networks that answer one row right, and a batch
// not.
#include "components/model/model_trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/script.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "components/model/model_loader.h"
#include "components/model/testing/sample_model.h"
#include "operator/base/json.h"

namespace penstock::model {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class ModelTrialTest : public testing::Test {
 protected:
  ModelTrialTest() : folder_(testing::TempDir() + "trial." + std::to_string(getpid())) {
    std::filesystem::create_directories(folder_);
  }
  ~ModelTrialTest() override { std::filesystem::remove_all(folder_); }

  // x float32 [-1, 2] -> y; `body` is forward's.
  void Write(const std::string& body, const std::string& more = "",
             const std::string& output = "[-1, 2]") const {
    torch::jit::Module module("trial");
    module.define("def forward(self, x):\n" + body);
    module.save(folder_ + "/model.ts");
    std::ofstream(folder_ + "/model.yaml")
        << "formatVersion: 1\nname: m\nbatchAxis: 0\ninputs: [{name: x, type: float32, shape: "
           "[-1, 2]"
        << more << "}]\noutputs: [{name: y, type: float32, shape: " << output << "}]\n";
  }
  void WriteExamples(const std::vector<std::vector<float>>& rows) const {
    std::ofstream file(folder_ + "/examples.jsonl");
    for (const auto& row : rows) {
      file << Json{{"inputs", {{"x", row}}}, {"outputs", {{"y", {row[0] * 2, row[1] * 2}}}}}.dump()
           << "\n";
    }
  }
  std::string Problem(std::int64_t full_batch = 8) const {
    auto loaded = LoadModel(folder_);
    if (!loaded) return loaded.error().message;
    auto right = CheckExamples(*loaded, full_batch);
    return right ? "" : right.error().message;
  }

  const std::string folder_;
};

// As AOTInductor does with a program that was exported with one row: the first row is right, the
// others are whatever there was.
constexpr const char* kFirstRowOnly = "    y = x * 0.0\n    y[0] = x[0] * 2.0\n    return y\n";

TEST_F(ModelTrialTest, ANetworkForAFixedNumberOfRowsIsNeverReady) {
  for (const bool examples : {false, true}) {
    Write(kFirstRowOnly);
    if (examples) WriteExamples({{1, 2}});
    EXPECT_THAT(Problem(), AllOf(HasSubstr("a trial of 8 rows at once: row "), HasSubstr("alone"),
                                 HasSubstr("fixed number of rows")))
        << examples;
    EXPECT_EQ(Problem(1), "");  // a server with --max-batch 1 never asks it for more
  }
}

// The examples' own batch is smaller than what the server asks for.
TEST_F(ModelTrialTest, AFullBatchIsTriedWhateverTheExamplesHold) {
  Write("    y = x * 2.0\n    if x.size(0) > 4:\n        y[4:] = 0.0\n    return y\n");
  WriteExamples({{1, 2}, {3, 4}, {5, 6}, {7, 8}});
  EXPECT_EQ(Problem(4), "");
  EXPECT_THAT(Problem(64), HasSubstr("a trial of 64 rows at once: row 5 of output 'y'"));
}

TEST_F(ModelTrialTest, AnAnswerOfAnotherNumberOfRowsIsNamed) {
  Write("    return x[:3] * 2.0\n");
  EXPECT_THAT(Problem(), HasSubstr("a trial of 8 rows at once: output 'y' is of shape [3, 2]"));
}

TEST_F(ModelTrialTest, AnotherWidthThanTheSignatureSaysIsNamed) {
  Write("    return torch.matmul(x, torch.ones([3, 2]))\n");
  EXPECT_THAT(Problem(),
              AllOf(HasSubstr("a trial of rows made up by the signature"),
                    HasSubstr("the model refuses this input"), HasSubstr("1x2 and 3x2")));
}

TEST_F(ModelTrialTest, AnotherOutputShapeThanTheMetadataSaysIsNamed) {
  Write("    return x * 2.0\n", "", "[-1]");
  EXPECT_THAT(Problem(), HasSubstr("output 'y' is of shape [1, 2], model.yaml says [-1]"));
  Write("    return x * 2.0\n", "", "[-1, 3]");
  EXPECT_THAT(Problem(), HasSubstr("output 'y' is of shape [1, 2], model.yaml says [-1, 3]"));
}

TEST_F(ModelTrialTest, RowsAreMadeUpWithinTheirBounds) {
  Write("    assert bool((x >= 3.0).all()) and bool((x <= 4.0).all()), 'out'\n    return x\n",
        ", minimum: 3, maximum: 4");
  EXPECT_EQ(Problem(), "");
}

TEST_F(ModelTrialTest, AModelThatTakesNoRowThatIsMadeUpNeedsExamples) {
  Write("    assert bool((x >= 3.0).all()), 'too small for me'\n    return x * 2.0\n");
  EXPECT_THAT(Problem(), AllOf(HasSubstr("examples.jsonl"), HasSubstr("too small for me")));
  WriteExamples({{3, 4}, {5, 6}});
  EXPECT_EQ(Problem(), "");
}

TEST_F(ModelTrialTest, DefaultArgumentsOfForwardNeedNoInput) {
  Write("    return x\n");
  torch::jit::Module module("trial");
  module.define("def forward(self, x, scale: float = 2.0):\n    return x * scale\n");
  module.save(folder_ + "/model.ts");
  WriteExamples({{1, 2}});
  EXPECT_EQ(Problem(), "");
}

// Sums in another order differ by rounding, which a small difference of large numbers shows.
TEST_F(ModelTrialTest, RoundingIsNoDifference) {
  Write("    return x * 1000000.0 + 0.05 * float(x.size(0))\n");
  EXPECT_EQ(Problem(), "");
  Write("    return x + 0.05 * float(x.size(0))\n");
  EXPECT_THAT(Problem(), HasSubstr("a trial of 8 rows at once: row 1 of output 'y'"));
}

TEST_F(ModelTrialTest, ModelsOfColumnsAndOfImagesPass) {
  WriteColumns(folder_);
  EXPECT_EQ(Problem(32), "");
  std::filesystem::remove(folder_ + "/examples.jsonl");
  EXPECT_EQ(Problem(32), "");
  std::filesystem::remove_all(folder_);
  WriteImage(folder_);
  EXPECT_EQ(Problem(1024), "");  // as many rows as 64 MiB hold
}

TEST(MadeUpRows, AreLikeNoOther) {
  Signature s;
  s.inputs = {{"x", Datatype::kFp32, {-1, 3}}, {"n", Datatype::kInt64, {-1, -1}}};
  const auto rows = MadeUpRows(s);
  ASSERT_GT(rows.size(), 3U);
  EXPECT_THAT(std::get<std::vector<float>>(rows[0][0].data), testing::Each(0.0F));
  EXPECT_NE(std::get<std::vector<float>>(rows[1][0].data),
            std::get<std::vector<float>>(rows[2][0].data));
  EXPECT_EQ(rows[1][1].shape, (Shape{1, 1}));
}

}  // namespace
}  // namespace penstock::model
