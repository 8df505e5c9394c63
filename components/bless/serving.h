// The serving code before anything is published: components/model loads the model, as the server
// does, has it answer its own examples, and then the test rows.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "components/bless/verdict.h"
#include "components/evaluate/scoring.h"
#include "components/model_format/label_models.h"

namespace penstock::bless {

struct Served {
  Check check;                             // "serving"
  std::optional<evaluate::Scored> scored;  // where all rows are answered
  std::string metric;                      // of the task; empty where the model does not load
  evaluate::Refusal refused;               // the row that the signature refuses
};

// All rows as batches of tensors, and `json_rows` of them, spread evenly, as JSON, one by one and
// together, with the same answers. What the model or the rows are at fault for is a check that
// failed; an error is what passes by itself (a full disk, a time-out).
[[nodiscard]] Result<Served> ServeTestRows(
    const std::string& model, const std::string& dataset, std::size_t json_rows = 100,
    evaluate::OnUnlabelled on_unlabelled = evaluate::OnUnlabelled::kFail);

// The same of a model of several labels: all of it by its own examples, and each label's model by
// the rows of which the label is known.
struct ServedSeveral {
  Check check;
  std::vector<evaluate::Scored> scored;  // by label; empty where some rows are not answered
  evaluate::Refusal refused;
};
[[nodiscard]] Result<ServedSeveral> ServeTestRowsOfAll(const std::string& model,
                                                       const sdk::LabelsManifest& labels,
                                                       const std::string& dataset,
                                                       std::size_t json_rows = 100);

// Is this the fault of what is judged, and so a verdict? Else it passes by itself, or nobody waits.
[[nodiscard]] bool IsVerdict(const Error& error);

}  // namespace penstock::bless
