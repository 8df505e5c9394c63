#include "components/bless/serving.h"

#include <utility>

#include "components/sdk/model_examples.h"
#include "operator/base/try.h"

namespace penstock::bless {
namespace {

// The failed check for a fault of the model or the rows; else the error.
Result<Served> Fault(Served served, const std::string& what, const Error& error) {
  if (!IsVerdict(error)) return Wrap(what, error);
  served.check = {"serving", false, what + ": " + error.message};
  return served;
}

Result<void> AnswersAsJson(evaluate::ServedModel& served, const evaluate::Scored& scored,
                           const std::string& dataset, std::size_t count) {
  const std::size_t width = scored.manifest.RawWidth();
  const std::size_t all = scored.labels.size();
  std::vector<std::uint32_t> rows;
  std::vector<float> raw;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t row = i * all / count;
    rows.push_back(std::uint32_t(scored.RowOf(row)));
    const auto own = scored.raw.begin() + std::ptrdiff_t(row * width);
    raw.insert(raw.end(), own, own + std::ptrdiff_t(width));
  }
  PENSTOCK_ASSIGN(auto examples, sdk::MakeExamples(served.manifest, dataset, raw, rows));
  served.loaded.examples.clear();
  for (auto& example : examples) {
    served.loaded.examples.push_back({std::move(example.inputs), std::move(example.outputs)});
  }
  return model::CheckExamples(served.loaded);
}

}  // namespace

bool IsVerdict(const Error& error) {
  return !PassesByItself(error.kind) && error.kind != ErrorKind::kCancelled &&
         error.kind != ErrorKind::kGone;
}

Result<Served> ServeTestRows(const std::string& model, const std::string& dataset,
                             std::size_t json_rows, evaluate::OnUnlabelled on_unlabelled) {
  Served served;
  auto loaded = evaluate::LoadServed(model);
  if (!loaded) return Fault(served, "no server loads the model", loaded.error());
  served.metric = evaluate::MainMetric(loaded->manifest);
  const std::size_t examples = loaded->loaded.examples.size();
  if (auto right = model::CheckExamples(loaded->loaded); !right) {
    return Fault(served, "no server takes the model, as of its own examples", right.error());
  }
  auto scored =
      evaluate::Score(*loaded, dataset, &served.refused, evaluate::OnRefused::kFail, on_unlabelled);
  if (!scored) return Fault(served, "the test rows cannot be answered", scored.error());
  const std::size_t asked = std::min(json_rows, scored->labels.size());
  if (auto right = AnswersAsJson(*loaded, *scored, dataset, asked); !right) {
    return Fault(served, "the test rows are answered otherwise as JSON (of those tried)",
                 right.error());
  }
  served.check = {"serving", true,
                  "the serving code loads the model, which answers its " +
                      std::to_string(examples) + " examples and all " +
                      std::to_string(scored->labels.size()) + " test rows, " +
                      std::to_string(asked) + " of them as JSON too"};
  served.scored = std::move(*scored);
  return served;
}

Result<ServedSeveral> ServeTestRowsOfAll(const std::string& model,
                                         const sdk::LabelsManifest& labels,
                                         const std::string& dataset, std::size_t json_rows) {
  ServedSeveral served;
  const auto fault = [&](const std::string& what, const Error& error) -> Result<ServedSeveral> {
    if (!IsVerdict(error)) return Wrap(what, error);
    served.check = {"serving", false, what + ": " + error.message};
    served.scored.clear();
    return std::move(served);
  };
  const auto loaded = model::LoadModel(model);
  if (!loaded) return fault("no server loads the model", loaded.error());
  if (auto right = model::CheckExamples(*loaded); !right) {
    return fault("no server takes the model, as of its own examples", right.error());
  }
  for (const sdk::LabelModel& label : labels.labels) {
    PENSTOCK_ASSIGN(auto own, ServeTestRows(model + "/" + label.folder, dataset, json_rows,
                                            evaluate::OnUnlabelled::kLeaveOut));
    if (!own.scored) {
      served.scored.clear();
      served.check = std::move(own.check);
      served.check.message = "label '" + label.label + "': " + served.check.message;
      served.refused = std::move(own.refused);
      return served;
    }
    served.scored.push_back(std::move(*own.scored));
  }
  served.check = {"serving", true,
                  "the serving code loads the model, which answers its " +
                      std::to_string(loaded->examples.size()) +
                      " examples and the test rows of its " + std::to_string(labels.labels.size()) +
                      " labels, some of them as JSON too"};
  return served;
}

}  // namespace penstock::bless
