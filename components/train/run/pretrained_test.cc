// A transform of texts, a network on it, and a second one that begins with the first: by the steps
// themselves, to the model folder that a server loads.
#include <arrow/api.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <random>

#include "components/model/model_loader.h"
#include "components/model_format/safetensors.h"
#include "components/sdk/testing/test_data.h"
#include "components/train/run/run.h"
#include "components/transform/run.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

// Texts of a few words; `late` says whether one of rain is among them, whose vectors are alike.
std::shared_ptr<arrow::RecordBatch> Texts(int count, unsigned seed, bool names = false) {
  const std::vector<std::string> words = {"비가", "rain", "storm", "sun",
                                          "맑음", "wind", "the",   "heute"};
  std::mt19937 random(seed);
  Json rows = Json::array();
  for (int i = 0; i < count; ++i) {
    std::string text;
    bool wet = false;
    for (std::size_t w = 0; w < 1 + random() % 4; ++w) {
      const auto& word = words[random() % words.size()];
      text += (text.empty() ? "" : " ") + word;
      wet = wet || word == "비가" || word == "rain" || word == "storm";
    }
    rows.push_back({text, double(random() % 100), names ? Json(wet ? "wet" : "dry") : Json(wet)});
  }
  rows.push_back({Json(), 1.0, names ? Json("dry") : Json(false)});
  return sdk::BatchOf({arrow::field("t", arrow::utf8()), arrow::field("x", arrow::float64()),
                       arrow::field("late", names ? arrow::utf8() : arrow::boolean())},
                      rows.dump());
}

class PretrainedTest : public ::testing::Test {
 protected:
  void SetUp() override {
    sdk::WriteDataset(folder_ / "train", {Texts(400, 1)});
    sdk::WriteDataset(folder_ / "more", {Texts(300, 2)});
    ASSERT_TRUE(WriteFileAtomically(folder_ / "v.vec",
                                    "비가 1 0.2\nrain 0.9 0\nstorm 1.1 -0.1\nsun -1 0.1\n맑음 -0.9 "
                                    "0\nwind 0 1\nunseen 0.5 0.5\n"));
  }
  void Transform(const std::string& dataset) {
    sdk::Step step(
        {{"label", "late"},
         {"scale", {"x"}},
         {"tokens", {{"t", {{"length", 6}, {"oovBuckets", 2}}}}},
         {"wordVectors", {{"t", Json::object()}}}},
        {{"dataset", {folder_ / dataset, "", ""}}, {"vectors", {folder_ / "v.vec", "", ""}}},
        {{"transform", folder_ / "transform.json"}}, "");
    const auto ok = transform::RunTransform(step);
    ASSERT_TRUE(ok) << ok.error().message;
  }
  std::string Train(Json parameters, const std::string& dataset, const std::string& model,
                    const std::string& init = "") {
    parameters["label"] = "late";
    std::map<std::string, sdk::StepInput> inputs = {
        {"train", {folder_ / dataset, "", ""}},
        {"transform", {folder_ / "transform.json", "", ""}}};
    if (!init.empty()) inputs["init"] = {folder_ / init, "", ""};
    sdk::Step step(std::move(parameters), std::move(inputs),
                   {{"model", folder_ / model}, {"metrics", folder_ / (model + ".json")}}, "");
    const auto ok = RunTrain(step);
    return ok ? "" : ok.error().message;
  }
  // Whoever serves the folder answers as the training did.
  void ExpectServed(const std::string& model) {
    const auto loaded = model::LoadModel(folder_ / model);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->examples.size(), 20U);
    const auto right = model::CheckExamples(*loaded, 64);
    EXPECT_TRUE(right) << right.error().message;
  }
  double Accuracy(const std::string& model) {
    return Json::parse(*ReadFile(folder_ / (model + ".json")))["overall"]["accuracy"]["value"];
  }
  static Json Network(const std::string& format) {
    return {{"model", "mlp"}, {"epochs", 12}, {"hidden", {12}},
            {"dropout", 0},   {"folds", 2},   {"format", format}};
  }

  sdk::TestFolder folder_;
};

TEST_F(PretrainedTest, ModelsOfTextsAnswerWhenServedAsTheyDidInTraining) {
  Transform("train");
  for (const std::string format : {"torchscript", "safetensors"}) {
    ASSERT_EQ(Train(Network(format), "train", "mlp-" + format), "");
    ExpectServed("mlp-" + format);
    EXPECT_GT(Accuracy("mlp-" + format), 0.9);
  }
  for (const std::string learner : {"linear", "boosting"}) {
    ASSERT_EQ(Train({{"model", learner}, {"folds", 2}}, "train", learner), "");
    ExpectServed(learner);
    EXPECT_GT(Accuracy(learner), 0.8) << learner;
  }
}

TEST_F(PretrainedTest, ASecondTrainingBeginsWithTheModelOfTheFirstAndItsFeatures) {
  Transform("train");
  ASSERT_EQ(Train(Network("safetensors"), "train", "first"), "");
  Transform("more");  // other constants; those of the first model are taken
  Json parameters = {{"model", "mlp"},
                     {"epochs", 3},
                     {"folds", 2},
                     {"format", "safetensors"},
                     {"freeze", {"e*", "w0", "b0"}}};
  ASSERT_EQ(Train(parameters, "more", "second", "first"), "");
  ExpectServed("second");
  EXPECT_EQ(*ReadFile(folder_ / "second/transform.json"),
            *ReadFile(folder_ / "first/transform.json"));
  const auto before = sdk::SafetensorsFile::Open(folder_ / "first/weights.safetensors");
  const auto after = sdk::SafetensorsFile::Open(folder_ / "second/weights.safetensors");
  ASSERT_TRUE(before && after);
  ASSERT_EQ((*before)->tensors().size(), (*after)->tensors().size());
  for (const auto& [name, tensor] : (*before)->tensors()) {
    const auto* other = (*after)->Find(name);
    ASSERT_NE(other, nullptr) << name;
    const bool same = std::equal(tensor.bytes.begin(), tensor.bytes.end(), other->bytes.begin(),
                                 other->bytes.end());
    EXPECT_EQ(same, name[0] == 'e' || name == "w0" || name == "b0") << name;
  }
  const Json metrics = Json::parse(*ReadFile(folder_ / "second.json"));
  EXPECT_NE(metrics.dump().find("began with weights of init"), std::string::npos);
}

// A training that was killed goes on to the same bytes with init, too.
TEST_F(PretrainedTest, WithACheckpointItGivesTheSameModel) {
  Transform("train");
  ASSERT_EQ(Train(Network("safetensors"), "train", "first"), "");
  Json parameters = {
      {"model", "mlp"}, {"epochs", 3}, {"folds", 2}, {"format", "safetensors"}, {"freeze", {"w0"}}};
  ASSERT_EQ(Train(parameters, "more", "one", "first"), "");
  parameters["checkpoint"] = folder_ / "state";
  std::filesystem::create_directories(folder_ / "state");
  ASSERT_EQ(Train(parameters, "more", "two", "first"), "");    // leaves finished trials
  ASSERT_EQ(Train(parameters, "more", "three", "first"), "");  // takes them
  for (const std::string model : {"two", "three"}) {
    EXPECT_EQ(*ReadFile(folder_ / (model + "/weights.safetensors")),
              *ReadFile(folder_ / "one/weights.safetensors"));
  }
  // Trials of another init are not taken.
  Json other = Network("safetensors");
  other["seed"] = 3;
  ASSERT_EQ(Train(other, "train", "other", ""), "");
  ASSERT_EQ(Train(parameters, "more", "four", "other"), "");
  EXPECT_NE(*ReadFile(folder_ / "four/weights.safetensors"),
            *ReadFile(folder_ / "one/weights.safetensors"));
}

TEST_F(PretrainedTest, OtherClassesBeginTheLastLayerAnewWhereThatIsAskedFor) {
  Transform("train");
  ASSERT_EQ(Train(Network("torchscript"), "train", "first"), "");
  sdk::WriteDataset(folder_ / "named", {Texts(300, 3, true)});
  Json parameters = {{"model", "mlp"}, {"epochs", 3}, {"folds", 2}};
  const auto problem = Train(parameters, "named", "second", "first");
  EXPECT_NE(problem.find(R"(answers [false,true], and label 'late' has ["dry","wet"])"),
            std::string::npos)
      << problem;
  parameters["initUnmatched"] = "fresh";
  ASSERT_EQ(Train(parameters, "named", "second", "first"), "");
  ExpectServed("second");
  const std::string metrics = *ReadFile(folder_ / "second.json");
  EXPECT_NE(metrics.find("\"fresh\""), std::string::npos) << metrics;
}

TEST_F(PretrainedTest, SaysWhatDoesNotGoTogether) {
  Transform("train");
  ASSERT_EQ(Train({{"model", "linear"}, {"folds", 2}}, "train", "linear"), "");
  const auto has = [](const std::string& text, const char* part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  has(Train({{"model", "mlp"}}, "train", "m", "linear"), "is no network that train has written");
  has(Train(Json::object(), "train", "m", "linear"), "set model: mlp");
}

}  // namespace
}  // namespace penstock::train
