#include "components/train/train.h"

#include "components/sdk/dataset.h"
#include "components/train/artifact.h"
#include "components/train/predictions.h"
#include "components/train/report.h"
#include "components/train/several.h"
#include "components/train/training.h"
#include "operator/base/file.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

Result<void> WriteResults(const sdk::Step& step, const Outcome& outcome, bool asked) {
  const Board& board = outcome.choice.board;
  Json shown = ToJson(board, 1);
  for (Json& line : shown) {
    for (const char* text : {"error", "leftOut"}) {
      if (!line.contains(text)) continue;
      line[text] = line[text].get<std::string>().substr(0, 300);
    }
    line.erase("setting");  // in the report and the metrics; a result is small
  }
  for (const BoardLine& line : board.lines) {
    if (!line.chosen) continue;
    PENSTOCK_TRY(step.WriteResult("learner", line.learner));
    PENSTOCK_TRY(step.WriteResult("value", line.nested->value));
  }
  PENSTOCK_TRY(step.WriteResult("metric", board.metric));
  PENSTOCK_TRY(step.WriteResult("board", shown));
  PENSTOCK_TRY(step.WriteResult("beatsDummy", board.beats_dummy));
  PENSTOCK_TRY(step.WriteResult("moreRows", !asked           ? "notAsked"
                                            : !outcome.curve ? "tooFewRows"
                                                             : outcome.curve->more_rows));
  PENSTOCK_TRY(step.WriteResult("truncated", board.truncated));
  return step.WriteResult("sampled", outcome.share);
}

// The outputs that the step asks for; only the model must be among them.
Result<void> WriteOutputs(const sdk::Step& step, Training& training) {
  const Table& table = training.table;
  const std::vector<Source>& sources = training.inputs.sources;
  Outcome& outcome = training.outcome;
  PENSTOCK_ASSIGN(const auto model, step.OutputPath("model"));
  PENSTOCK_TRY(WriteModel(model, table, sources, outcome));
  if (step.HasOutput("metrics")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("metrics"));
    PENSTOCK_TRY(WriteFileAtomically(path, MetricsOf(table, outcome).dump(1) + "\n"));
  }
  if (step.HasOutput("report")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("report"));
    PENSTOCK_TRY(WriteFileAtomically(path, ReportPage(table, outcome)));
  }
  if (step.HasOutput("predictions")) {
    PENSTOCK_ASSIGN(const auto path, step.OutputPath("predictions"));
    PENSTOCK_TRY(WritePredictions(path, sources, table.labels, outcome.held_out));
  }
  return WriteResults(step, outcome, table.options.learning_curve);
}

}  // namespace

Result<void> Train(sdk::Step& step, const Surroundings& around) {
  PENSTOCK_ASSIGN(auto options, ReadOptions(step.parameters()));
  PENSTOCK_ASSIGN(const auto train, step.InputPath("train"));
  PENSTOCK_ASSIGN(const auto labels, sdk::LabelColumns(options.label, options.labels, train));
  if (labels.empty()) {
    return Invalid("parameter label: is required, since no column of train has the role label");
  }
  if (labels.size() > 1) return TrainSeveral(step, options, labels, around);
  options.label = labels.front();
  if (options.name.empty()) options.name = options.label;
  PENSTOCK_ASSIGN(auto inputs, ReadInputs(step, options));
  PENSTOCK_ASSIGN(const auto training,
                  LearnOneLabel(options, std::move(inputs), around, step.parameters(), As::kAlone));
  if (training->outcome.choice.board.truncated) {
    PENSTOCK_TRY(step.DoNotCache("maxTime ended train before it had tried all candidates"));
  }
  return WriteOutputs(step, *training);
}

}  // namespace penstock::train
