#include <arrow/api.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>

#include "components/explain/explainer.h"
#include "components/explain/run.h"
#include "components/model_format/layers.h"
#include "components/model_format/model_artifact.h"
#include "components/model_format/safetensors.h"
#include "components/sdk/cells.h"
#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::explain {
namespace {

using testing::HasSubstr;
using testing::Not;

void Must(const Result<void>& ok) { ASSERT_TRUE(ok) << ok.error().message; }

// Written by shap_fixture.py.
Json Fixture() {
  static const Json kFixture = Json::parse(
      ReadFile(std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testing/testdata/shap.json").value());
  return kFixture;
}

using Tensors = std::map<std::string, sdk::TensorView>;

class ExplainTest : public testing::Test {
 protected:
  std::string InputName(std::size_t i) const { return prefix_ + std::to_string(i); }

  // Inputs x0, x1, ...: numbers, taken as they are.
  sdk::ModelManifest Manifest(std::size_t inputs, std::vector<Json> classes, bool nullable) {
    std::filesystem::create_directories(folder_ / "m");
    sdk::ModelManifest m;
    sdk::TransformSpec spec;
    spec.label = "y";
    for (std::size_t i = 0; i < inputs; ++i) {
      m.inputs.push_back({InputName(i), sdk::ColumnType::kFloat64, nullable});
      sdk::TransformStep step;
      step.input = i;
      if (nullable) {  // a null stays missing
        step.keep_null = true;
        step.views = sdk::Only(sdk::View::kTree);
        m.view = sdk::View::kTree;
      }
      spec.steps.push_back(step);
    }
    spec.inputs = m.inputs;
    Must(WriteFileAtomically(folder_ / "m/transform.json", sdk::ToJson(spec).dump()));
    m.name = "<i>m</i>";
    m.label = "y";
    m.classes = std::move(classes);
    m.task = m.classes.empty() ? sdk::ModelTask::kRegression : sdk::ModelTask::kClassification;
    m.features = std::int64_t(inputs);
    m.outputs = sdk::StandardOutputs(m.task, m.classes);
    return m;
  }

  // y = link(w x + b), or of two layers.
  void WriteNetwork(std::size_t inputs, const std::vector<std::vector<float>>& weights,
                    const std::vector<std::string>& ops, std::vector<Json> classes) {
    auto m = Manifest(inputs, std::move(classes), false);
    m.backend = "safetensors";
    m.file = "weights.safetensors";
    Must(sdk::SaveModelManifest(folder_ / "m", m));
    Json layers = Json::array();
    Tensors tensors;
    std::size_t next = 0;
    std::int64_t width = std::int64_t(inputs);
    for (const auto& op : ops) {
      if (op != "linear") {
        layers.push_back(Json{{"op", op}});
        continue;
      }
      const auto& w = weights[next];
      const auto& b = weights[next + 1];
      const std::string name = std::to_string(next);
      layers.push_back({{"op", op}, {"weight", "w" + name}, {"bias", "b" + name}});
      const auto outputs = std::int64_t(b.size());
      tensors["w" + name] = {sdk::TensorType::kF32, {outputs, width}, std::as_bytes(std::span(w))};
      tensors["b" + name] = {sdk::TensorType::kF32, {outputs}, std::as_bytes(std::span(b))};
      width = outputs;
      next += 2;
    }
    Must(WriteFileAtomically(folder_ / "m/network.json",
                             Json{{"formatVersion", 1}, {"layers", layers}}.dump()));
    Must(sdk::WriteSafetensors(folder_ / "m/weights.safetensors", tensors, {}));
  }

  void WriteRows(const std::string& name, const Json& rows) {
    arrow::FieldVector fields;
    for (std::size_t i = 0; i < rows[0].size(); ++i) {
      fields.push_back(arrow::field(InputName(i), arrow::float64()));
    }
    sdk::WriteDataset(folder_ / name, {sdk::BatchOf(fields, rows.dump())});
  }

  Result<Explained> Explain(const std::string& method, std::int64_t background = 100) {
    auto served = evaluate::LoadServed(folder_ / "m");
    if (!served) return served.error();
    ExplainOptions options;
    options.method = method;
    options.background = background;
    auto explainer = MakeExplainer(folder_ / "m", *served, folder_ / "d", options);
    if (!explainer) return explainer.error();
    method_ = (*explainer)->method();
    return (*explainer)->Explain(*sdk::ReadDataset(folder_ / "d"), 0);
  }

  Result<void> Run(const Json& parameters) {
    std::filesystem::create_directories(folder_ / "results");
    sdk::Step step(parameters,
                   {{"model", {folder_ / "m", "", ""}}, {"dataset", {folder_ / "d", "", ""}}},
                   {{"contributions", folder_ / "c"},
                    {"importance", folder_ / "importance"},
                    {"report", folder_ / "page"}},
                   folder_ / "results");
    return RunExplain(step);
  }

  static void ExpectNear(const std::vector<double>& ours, const Json& theirs, double tolerance) {
    ASSERT_EQ(ours.size(), theirs.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
      EXPECT_NEAR(ours[i], theirs[i].get<double>(), tolerance) << i;
    }
  }
  // Contributions and base add up to the prediction.
  static void ExpectSums(const Explained& e, double tolerance) {
    const std::size_t inputs = e.contributions.size() / e.size();
    for (std::size_t i = 0; i < e.size(); ++i) {
      double sum = e.bases[i];
      for (std::size_t k = 0; k < inputs; ++k) sum += e.contributions[i * inputs + k];
      EXPECT_NEAR(sum, e.predictions[i], tolerance * std::max(1.0, std::abs(sum))) << i;
    }
  }

  sdk::TestFolder folder_;
  std::string prefix_ = "x";
  std::string method_;
};

TEST_F(ExplainTest, OfTreesIsShapsAnswerAndAddsUp) {
  const Json fixture = Fixture();
  for (const auto& c : fixture["trees"]) {
    const std::string name = c["name"];
    std::vector<Json> classes;
    if (name == "binary") classes = {false, true};
    if (name == "classes") classes = {0, 1, 2};
    auto m = Manifest(5, classes, true);
    m.backend = "xgboost";
    m.file = name + ".json";
    Must(sdk::SaveModelManifest(folder_ / "m", m));
    std::filesystem::copy_file(
        std::string(PENSTOCK_TEST_SOURCE_DIR) + "/testing/testdata/" + m.file,
        folder_ / ("m/" + m.file));
    std::filesystem::remove_all(folder_ / "d");
    WriteRows("d", c["rows"]);
    const auto explained = Explain("auto");
    ASSERT_TRUE(explained) << explained.error().message;
    EXPECT_EQ(method_, "trees");
    ExpectNear(explained->contributions, c["contributions"], 2e-6);
    ExpectNear(explained->predictions, c["margins"], 1e-6);
    ExpectSums(*explained, 1e-6);
    for (std::size_t k = 0; k < c["base"].size(); ++k) {
      EXPECT_NEAR(explained->bases[k], c["base"][k].get<double>(), 1e-5);
    }
  }
}

TEST_F(ExplainTest, OfAPlaneIsShapsAnswerWhateverTheLink) {
  const Json c = Fixture()["plane"];
  const auto weights = c["weights"].get<std::vector<float>>();
  for (const bool regression : {true, false}) {
    WriteNetwork(5, {weights, {c["constant"].get<float>()}},
                 regression ? std::vector<std::string>{"linear", "squeeze"}
                            : std::vector<std::string>{"linear", "sigmoid", "squeeze"},
                 regression ? std::vector<Json>{} : std::vector<Json>{"no", "yes"});
    std::filesystem::remove_all(folder_ / "d");
    WriteRows("d", c["rows"]);
    const auto explained = Explain("auto");
    ASSERT_TRUE(explained) << explained.error().message;
    EXPECT_EQ(method_, "linear");
    ExpectNear(explained->contributions, c["contributions"], 1e-6);
    EXPECT_NEAR(explained->bases[0], c["base"].get<double>(), 1e-6);
    ExpectSums(*explained, 1e-9);
  }
}

// The network of shap_fixture.py.
const std::vector<std::vector<float>> kCurved = {
    {1, 0.5, -1, 0, -1, 1, 0.5, 0, 0.5, -1, 1, 0}, {0.1F, 0.1F, 0.1F}, {1, -0.5, 0.75}, {0}};

TEST_F(ExplainTest, OfANetworkIsNearTheExactValuesWithinItsErrors) {
  const Json c = Fixture()["curved"];
  WriteNetwork(4, kCurved, {"linear", "relu", "linear", "sigmoid", "squeeze"}, {"no", "yes"});
  // The same background again and again: its mean is that of the twenty rows.
  Json background = Json::array();
  for (int times = 0; times < 100; ++times) {
    for (const auto& row : c["rows"]) background.push_back(row);
  }
  WriteRows("d", c["rows"]);
  WriteRows("b", background);
  const auto served = evaluate::LoadServed(folder_ / "m");
  ASSERT_TRUE(served) << served.error().message;
  ExplainOptions options;
  options.background = 2000;
  const auto explainer = MakeExplainer(folder_ / "m", *served, folder_ / "b", options);
  ASSERT_TRUE(explainer) << explainer.error().message;
  EXPECT_STREQ((*explainer)->method(), "sampled");
  const auto explained = (*explainer)->Explain(*sdk::ReadDataset(folder_ / "d"), 0);
  ASSERT_TRUE(explained) << explained.error().message;
  EXPECT_NEAR(explained->bases[0], c["base"].get<double>(), 1e-5);
  ExpectSums(*explained, 1e-6);
  double squared = 0;
  std::size_t counted = 0;
  for (std::size_t i = 0; i < explained->contributions.size(); ++i) {
    const double off = explained->contributions[i] - c["contributions"][i].get<double>();
    EXPECT_LE(std::abs(off), 5 * explained->errors[i] + 1e-6) << i;
    EXPECT_LT(explained->errors[i], 0.02);
    if (explained->errors[i] == 0) continue;
    squared += off * off / (explained->errors[i] * explained->errors[i]);
    ++counted;
  }
  ASSERT_GT(counted, 50U);
  EXPECT_LT(squared / double(counted), 1.6);  // the errors are as large as they say
  // An input that the network does not use adds nothing at all.
  for (std::size_t i = 3; i < explained->contributions.size(); i += 4) {
    EXPECT_EQ(explained->contributions[i], 0);
  }
}

TEST_F(ExplainTest, WritesTheContributionsOfEachRowAndAPage) {
  prefix_ = "<b>";
  WriteNetwork(2, {{2, 0}, {0.5}}, {"linear", "squeeze"}, {});
  WriteRows("d", Json::parse("[[1, 5], [3, 5], [5, 7]]"));
  Must(Run(Json::object()));
  const auto rows = sdk::ReadDataset(folder_ / "c");
  ASSERT_EQ(rows->num_rows(), 3);
  const auto number = [&](const std::string& name, std::int64_t r) {
    return std::get<double>(CellAt(*sdk::FindColumn(*rows, name), r));
  };
  EXPECT_NEAR(number("contribution_<b>0", 2), 4, 1e-9);
  EXPECT_NEAR(number("contribution_<b>1", 2), 0, 1e-9);
  EXPECT_NEAR(number("base", 0), 6.5, 1e-9);
  EXPECT_NEAR(number("prediction", 0), 2.5, 1e-9);
  EXPECT_EQ(ReadFile(folder_ / "results/method").value(), "linear");
  EXPECT_EQ(Json::parse(ReadFile(folder_ / "importance").value())["importance"][0]["input"],
            "<b>0");
  const std::string page = ReadFile(folder_ / "page").value();
  EXPECT_THAT(page, Not(HasSubstr("<b>")));
  EXPECT_THAT(page, Not(HasSubstr("<i>m")));
}

TEST_F(ExplainTest, NamesTheClassOfEachOutput) {
  WriteNetwork(1, {{1, -1, 0}, {0, 0, 0}}, {"linear", "softmax"}, {"a", "b", "c"});
  WriteRows("d", Json::parse("[[1], [3]]"));
  Must(Run({{"rows", 1}}));
  const auto rows = sdk::ReadDataset(folder_ / "c");
  ASSERT_EQ(rows->num_rows(), 3);
  EXPECT_EQ(std::get<std::string_view>(CellAt(*sdk::FindColumn(*rows, "class"), 1)), "b");
  EXPECT_EQ(std::get<double>(CellAt(*sdk::FindColumn(*rows, "contribution_x0"), 1)), 1);
}

TEST_F(ExplainTest, IsTheSameForTheSameSeedAndRefusesWhatDoesNotSuit) {
  WriteNetwork(4, kCurved, {"linear", "relu", "linear", "sigmoid", "squeeze"}, {"no", "yes"});
  WriteRows("d", Fixture()["curved"]["rows"]);
  const auto once = Explain("sampled", 10);
  const auto again = Explain("sampled", 10);
  ASSERT_TRUE(once) << once.error().message;
  EXPECT_EQ(once->contributions, again->contributions);
  EXPECT_THAT(Explain("linear").error().message, HasSubstr("one linear layer"));
  EXPECT_THAT(Explain("trees").error().message, HasSubstr("back end xgboost"));
  EXPECT_THAT(Run({{"backgroundRows", 5}}).error().message, HasSubstr("must be even"));
}

TEST_F(ExplainTest, RefusesARowThatAServerWouldRefuse) {
  WriteNetwork(2, {{2, 0}, {0.5}}, {"linear", "squeeze"}, {});
  WriteRows("d", Json::parse("[[1, 5], [3, null], [5, 7]]"));
  const auto ok = Run(Json::object());
  ASSERT_FALSE(ok);
  EXPECT_THAT(ok.error().message, HasSubstr("x1"));
}

}  // namespace
}  // namespace penstock::explain
