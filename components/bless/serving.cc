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
                           const std::string& dataset, std::size_t rows) {
  PENSTOCK_ASSIGN(auto examples, sdk::MakeExamples(served.manifest, dataset, scored.raw, rows));
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
                             std::size_t json_rows) {
  Served served;
  auto loaded = evaluate::LoadServed(model);
  if (!loaded) return Fault(served, "no server loads the model", loaded.error());
  served.metric = evaluate::MainMetric(loaded->manifest);
  const std::size_t examples = loaded->loaded.examples.size();
  if (auto right = model::CheckExamples(loaded->loaded); !right) {
    return Fault(served, "no server takes the model, as of its own examples", right.error());
  }
  auto scored = evaluate::Score(*loaded, dataset, &served.refused);
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

}  // namespace penstock::bless
