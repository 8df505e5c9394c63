#include "components/model_format/model_artifact.h"

#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>

namespace penstock::sdk {
namespace {

ModelManifest Binary() {
  ModelManifest m;
  m.name = "flights \"quoted\" 항공";
  m.label = "late";
  m.inputs = {{"distance", ColumnType::kInt64, false}, {"carrier", ColumnType::kString, true}};
  m.features = 5;
  m.classes = {false, true};
  m.outputs = StandardOutputs(m.task, m.classes);
  m.threshold = 0.30000000000000004;
  m.metrics = {{"auc", 0.6312345678901234}, {"logLoss", 0.5}};
  m.seed = 7;
  return m;
}

class TemporaryFolder : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = ::testing::TempDir() + "model_artifact_XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};
using ModelArtifact = TemporaryFolder;

TEST_F(ModelArtifact, SurvivesItsFile) {
  const ModelManifest m = Binary();
  ASSERT_TRUE(SaveModelManifest(folder_, m));
  const auto back = LoadModelManifest(folder_);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(FormatModelManifest(*back), FormatModelManifest(m));
  EXPECT_EQ(back->name, m.name);
  EXPECT_EQ(back->inputs, m.inputs);
  EXPECT_EQ(back->outputs, m.outputs);
  EXPECT_EQ(back->classes, m.classes);
  EXPECT_EQ(back->threshold, m.threshold);
  EXPECT_EQ(back->metrics, m.metrics);
}

TEST_F(ModelArtifact, KeepsItsCalibrationAndLink) {
  ModelManifest m = Binary();
  m.calibration = {CalibrationMethod::kPlatt, {1.25}, {-0.1}, {}, {}};
  auto back = ParseModelManifest(FormatModelManifest(m), "test");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->calibration, m.calibration);
  m.calibration = {CalibrationMethod::kIsotonic, {}, {}, {{0.1, 0.9}}, {{0, 1}}};
  back = ParseModelManifest(FormatModelManifest(m), "test");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->calibration, m.calibration);
  m.calibration = {};
  m.task = ModelTask::kRegression;
  m.classes.clear();
  m.link = Link::kLog;
  back = ParseModelManifest(FormatModelManifest(m), "test");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->link, Link::kLog);
  std::vector<float> raw = {0, 1};
  Finish(*back, raw);
  EXPECT_EQ(raw, (std::vector<float>{1, float(std::exp(1.0))}));
}

TEST_F(ModelArtifact, RefusesACalibrationThatTurnsAnswersRoundOrHasHoles) {
  const auto problem = [](Calibration c) {
    ModelManifest m = Binary();
    m.calibration = std::move(c);
    const auto back = ParseModelManifest(FormatModelManifest(m), "test");
    return back ? std::string("accepted") : back.error().message;
  };
  EXPECT_NE(problem({CalibrationMethod::kPlatt, {-1}, {0}, {}, {}}).find("slope must be above 0"),
            std::string::npos);
  EXPECT_NE(problem({CalibrationMethod::kPlatt, {1, 1}, {0, 0}, {}, {}}).find("1 curves"),
            std::string::npos);
  EXPECT_NE(
      problem({CalibrationMethod::kIsotonic, {}, {}, {{0.5, 0.5}}, {{0, 1}}}).find("x must ascend"),
      std::string::npos);
  EXPECT_NE(
      problem({CalibrationMethod::kIsotonic, {}, {}, {{0.1, 0.5}}, {{1, 0}}}).find("not descend"),
      std::string::npos);
}

TEST_F(ModelArtifact, KeepsBoundsAndSeveralFiles) {
  ModelManifest m = Binary();
  m.bounds["distance"] = {0.5, std::nullopt};
  m.backend = "aotinductor";
  m.file = "avx512.pt2";
  m.more_files = {"avx2.pt2"};
  const auto back = ParseModelManifest(FormatModelManifest(m), "test");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->bounds, m.bounds);
  EXPECT_EQ(back->file, m.file);
  EXPECT_EQ(back->more_files, m.more_files);
}

TEST_F(ModelArtifact, RefusesBoundsOfTextAndTwoWaysToNameFiles) {
  const std::string good = FormatModelManifest(Binary());
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    const auto m = ParseModelManifest(text, "model.yaml");
    return m ? std::string("accepted") : m.error().message;
  };
  EXPECT_NE(refused("type: string,", "type: string, minimum: 1,").find("for int64 and float64"),
            std::string::npos);
  EXPECT_NE(refused("type: int64,", "type: int64, maximum: x,").find("maximum must be a number"),
            std::string::npos);
  EXPECT_NE(refused("batchAxis: 0", "batchAxis: 0\nfiles: [a]").find("cannot both"),
            std::string::npos);
  EXPECT_NE(refused("file: \"model.ts\"", "files: []").find("at least one"), std::string::npos);
  EXPECT_NE(refused("file: \"model.ts\"", "files: [a, /b]").find("within the model's folder"),
            std::string::npos);
}

TEST_F(ModelArtifact, KeepsAStringClassApartFromABoolean) {
  ModelManifest m = Binary();
  m.classes = {"true", "1", "x"};
  m.outputs = StandardOutputs(m.task, m.classes);
  const auto back = ParseModelManifest(FormatModelManifest(m), "test");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->classes, m.classes);
  EXPECT_EQ(back->RawWidth(), 3U);
  EXPECT_EQ(back->outputs[0].shape, (std::vector<std::int64_t>{-1, 3}));
  EXPECT_EQ(back->outputs[1].type, "string");
}

TEST_F(ModelArtifact, RefusesABadFieldByName) {
  const std::string good = FormatModelManifest(Binary());
  const auto refused = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    const auto m = ParseModelManifest(text, "model.yaml");
    return m ? std::string("accepted") : m.error().message;
  };
  EXPECT_NE(refused("formatVersion: 1", "formatVersion: 2").find("formatVersion"),
            std::string::npos);
  EXPECT_NE(refused("type: int64", "type: int32").find("inputs[0].type"), std::string::npos);
  EXPECT_NE(refused("\"model.ts\"", "\"../x\"").find("file must"), std::string::npos);
  EXPECT_NE(refused("\"model.ts\"", "\"x/../y\"").find("file must"), std::string::npos);
  EXPECT_EQ(refused("\"model.ts\"", "\"v1..2.ts\""), "accepted");
  EXPECT_NE(refused("features: 5", "features: 0").find("features"), std::string::npos);
  EXPECT_NE(refused("task: classification", "task: ranking").find("task"), std::string::npos);
  EXPECT_NE(refused("[false,true]", "[true]").find("classes"), std::string::npos);
  EXPECT_NE(refused("shape: [-1]", "shape: yes").find("outputs[0].shape"), std::string::npos);
  EXPECT_EQ(refused("seed: 7", "sead: 7"), "accepted");
  EXPECT_FALSE(ParseModelManifest("[1", "x"));
  EXPECT_FALSE(ParseModelManifest("just text", "x"));
  EXPECT_FALSE(LoadModelManifest(folder_ + "/missing"));
}

TEST_F(ModelArtifact, DecidesByThresholdAndByMaximum) {
  ModelManifest m = Binary();
  m.threshold = 0.5;
  const float half = 0.5F;
  const float less = 0.4999F;
  EXPECT_EQ(DecidedClass(m, {&half, 1}), 1U);
  EXPECT_EQ(OutputValue(m, m.outputs[1], {&less, 1}), Json(false));
  m.classes = {"a", "b", "c"};
  m.outputs = StandardOutputs(m.task, m.classes);
  const std::vector<float> tie = {0.2F, 0.4F, 0.4F};
  EXPECT_EQ(OutputValue(m, m.outputs[1], tie), Json("b"));
  EXPECT_EQ(OutputValue(m, m.outputs[0], tie).size(), 3U);
}

TEST_F(ModelArtifact, KeepsItsExamples) {
  const std::vector<ModelExample> examples = {
      {{{"distance", 227}, {"carrier", nullptr}}, {{"probability", 0.25F}, {"label", false}}},
      {{{"distance", 1}, {"carrier", "대한"}}, {{"probability", 0.75F}, {"label", true}}}};
  ASSERT_TRUE(SaveExamples(folder_, examples));
  const auto back = LoadExamples(folder_);
  ASSERT_TRUE(back) << back.error().message;
  ASSERT_EQ(back->size(), 2U);
  EXPECT_EQ((*back)[1].inputs, examples[1].inputs);
  EXPECT_EQ((*back)[0].outputs, examples[0].outputs);
  EXPECT_EQ(LoadExamples(folder_, 1)->size(), 1U);
  std::ofstream(folder_ + "/" + kExamplesFile, std::ios::app) << "{\"inputs\": 3}\n";
  const auto bad = LoadExamples(folder_);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().message.find("line 3"), std::string::npos);
}

TEST_F(ModelArtifact, ComparesAnswersWithinTheTolerance) {
  ModelManifest m = Binary();
  m.threshold = 0.5;
  const ModelExample example = {{}, {{"probability", 0.25}, {"label", false}}};
  EXPECT_TRUE(MatchesExample(m, example, {{"probability", 0.25004}, {"label", false}}));
  EXPECT_FALSE(MatchesExample(m, example, {{"probability", 0.2504}, {"label", false}}));
  EXPECT_FALSE(MatchesExample(m, example, {{"probability", 0.25}, {"label", true}}));
  const auto missing = MatchesExample(m, example, {{"label", false}});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("'probability'"), std::string::npos);
  const ModelExample close = {{}, {{"probability", 0.50001}, {"label", true}}};
  EXPECT_TRUE(MatchesExample(m, close, {{"probability", 0.49999}, {"label", false}}));
}

}  // namespace
}  // namespace penstock::sdk
