#include "components/model_format/label_models.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "operator/base/file.h"

namespace penstock::sdk {
namespace {

class LabelModels : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = ::testing::TempDir() + "label_models_test";
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  std::string Problem(const std::string& yaml) {
    EXPECT_TRUE(WriteFileAtomically(folder_ + "/model.yaml", yaml));
    const auto loaded = LoadLabelsManifest(folder_);
    if (!loaded) return loaded.error().message;
    return *loaded ? "accepted" : "of one label";
  }
  std::string folder_;
};

std::string Model(const std::string& labels) {
  return "formatVersion: 1\nname: m\ntask: multilabel\nlabels: " + labels + "\n";
}

TEST_F(LabelModels, AreReadAsTheyWereWritten) {
  LabelsManifest m;
  m.name = "a \"b\": c";
  m.labels = {{"late", "labels/0"}, {"#lost: \n true", "labels/1"}};
  m.metrics = {{"macroAuc", 0.75}};
  m.seed = 7;
  ASSERT_TRUE(SaveLabelsManifest(folder_, m));
  const auto read = LoadLabelsManifest(folder_);
  ASSERT_TRUE(read) << read.error().message;
  ASSERT_TRUE(read->has_value());
  EXPECT_EQ((*read)->name, m.name);
  ASSERT_EQ((*read)->labels.size(), 2U);
  EXPECT_EQ((*read)->labels[1].label, m.labels[1].label);
  EXPECT_EQ((*read)->labels[1].folder, "labels/1");
  EXPECT_EQ((*read)->metrics, m.metrics);
  EXPECT_EQ((*read)->seed, 7);
}

TEST_F(LabelModels, AnyOtherModelIsOfOneLabel) {
  EXPECT_EQ(Problem("formatVersion: 1\nname: m\ntask: classification\n"), "of one label");
  EXPECT_EQ(Problem("- a\n- b\n"), "of one label");
  std::filesystem::remove(folder_ + "/model.yaml");
  const auto none = LoadLabelsManifest(folder_);
  ASSERT_TRUE(none);
  EXPECT_FALSE(none->has_value());
}

TEST_F(LabelModels, SayWhatIsWrongWithThem) {
  const auto has = [&](const std::string& labels, const char* text) {
    const std::string problem = Problem(Model(labels));
    EXPECT_NE(problem.find(text), std::string::npos) << problem;
    EXPECT_NE(problem.find("model.yaml"), std::string::npos) << problem;
  };
  has("7", "labels must be a list");
  has("[]", "must name two labels or more");
  has("[{label: a, folder: x}]", "must name two labels or more");
  has("[{label: a, folder: x}, {label: a, folder: y}]", "'a' stands twice");
  has("[{label: a, folder: x}, {label: b, folder: ../y}]",
      "labels[1].folder must be a path within");
  has("[{label: a, folder: /x}, {label: b, folder: y}]", "labels[0].folder must be a path within");
  has("[{label: a, folder: x}, {label: b}]", "labels[1].folder must be a string");
  has("[a, b]", "labels[0].label must be a string");
  EXPECT_NE(Problem("task: multilabel\nlabels: []\n").find("formatVersion must be 1"),
            std::string::npos);
}

TEST_F(LabelModels, AreRefusedWhereOneLabelIsNeeded) {
  EXPECT_EQ(Problem(Model("[{label: a, folder: x}, {label: b, folder: y}]")), "accepted");
  const auto one = LoadModelManifest(folder_);
  ASSERT_FALSE(one);
  EXPECT_NE(one.error().message.find("a model of several labels"), std::string::npos)
      << one.error().message;
}

TEST_F(LabelModels, AnExampleIsHeldToEachLabel) {
  std::vector<ModelManifest> parts(2);
  parts[0].label = "a";
  parts[1].label = "b";
  for (auto& part : parts) {
    part.classes = {false, true};
    part.outputs = StandardOutputs(part.task, part.classes);
  }
  const std::vector<ModelExample> joined =
      JoinExamples({"a", "b"}, {{{{{"x", 1}}, {{"probability", 0.2}, {"label", false}}}},
                                {{{{"x", 1}}, {{"probability", 0.9}, {"label", true}}}}});
  ASSERT_EQ(joined.size(), 1U);
  EXPECT_EQ(
      joined[0].outputs,
      Json(
          {{"probability_a", 0.2}, {"label_a", false}, {"probability_b", 0.9}, {"label_b", true}}));
  Json answer = joined[0].outputs;
  EXPECT_TRUE(MatchesLabelsExample(parts, joined[0], answer));
  answer["label_b"] = false;
  const auto wrong = MatchesLabelsExample(parts, joined[0], answer);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("label 'b'"), std::string::npos) << wrong.error().message;
  answer.erase("label_b");
  EXPECT_FALSE(MatchesLabelsExample(parts, joined[0], answer));
  ModelExample foreign = joined[0];
  foreign.outputs["probability_c"] = 1;
  EXPECT_FALSE(MatchesLabelsExample(parts, foreign, foreign.outputs));
}

}  // namespace
}  // namespace penstock::sdk
