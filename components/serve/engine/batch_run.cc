#include "components/serve/engine/batch_run.h"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

namespace penstock::serve {
namespace {

using Outputs = Result<std::vector<Tensor>>;

Outputs Run(const Model& model, const std::vector<Tensor>& inputs, std::int64_t rows) {
  Outputs outputs = Internal("the model did not run");
  try {
    outputs = model.Run(inputs);
  } catch (const std::bad_alloc&) {
    return Transient("the server is out of memory for this request");
  } catch (const std::exception& e) {
    return Invalid(std::string("the model refuses this input: ") + e.what());
  }
  if (!outputs || !model.signature().batched) return outputs;
  for (const Tensor& output : *outputs) {
    if (output.shape.empty() || output.shape.front() != rows) {
      return Internal("the model answered shape " + FormatShape(output.shape) + " to " +
                      std::to_string(rows) + " rows");
    }
  }
  return outputs;
}

std::vector<Tensor> Join(const std::vector<JobPtr>& batch) {
  std::vector<Tensor> joined;
  for (std::size_t i = 0; i < batch.front()->inputs.size(); ++i) {
    std::vector<const Tensor*> parts;
    for (const JobPtr& job : batch) parts.push_back(&job->inputs[i]);
    joined.push_back(ConcatenateRows(parts));
  }
  return joined;
}

std::vector<Outputs> Cut(const std::vector<Tensor>& outputs, const std::vector<JobPtr>& batch) {
  std::vector<Outputs> results;
  std::int64_t first = 0;
  for (const JobPtr& job : batch) {
    std::vector<Tensor> own;
    for (const Tensor& output : outputs) own.push_back(SliceRows(output, first, job->rows));
    first += job->rows;
    results.emplace_back(std::move(own));
  }
  return results;
}

// The answers of the pieces of one job, joined.
std::vector<Tensor> JoinAnswers(const std::vector<std::vector<Tensor>>& pieces) {
  std::vector<Tensor> joined;
  for (std::size_t i = 0; i < pieces.front().size(); ++i) {
    std::vector<const Tensor*> parts;
    for (const auto& piece : pieces) parts.push_back(&piece[i]);
    joined.push_back(ConcatenateRows(parts));
  }
  return joined;
}

// Answers that can be joined: as many tensors, of the same types and widths.
bool SameForm(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  bool same = a.size() == b.size();
  for (std::size_t i = 0; same && i < a.size(); ++i) {
    same = a[i].data.index() == b[i].data.index() && a[i].shape.size() == b[i].shape.size() &&
           std::equal(a[i].shape.begin() + 1, a[i].shape.end(), b[i].shape.begin() + 1);
  }
  return same;
}

Outputs RunAlone(const Model& model, const Job& job, std::int64_t max_rows) {
  if (!model.signature().batched || job.rows <= max_rows) return Run(model, job.inputs, job.rows);
  std::vector<std::vector<Tensor>> pieces;
  for (std::int64_t first = 0; first < job.rows; first += max_rows) {
    const std::int64_t rows = std::min(max_rows, job.rows - first);
    std::vector<Tensor> inputs;
    for (const Tensor& input : job.inputs) inputs.push_back(SliceRows(input, first, rows));
    auto piece = Run(model, inputs, rows);
    if (!piece) return piece;
    if (!pieces.empty() && !SameForm(pieces.front(), *piece))
      return Internal("the model answers parts of this request in different shapes");
    pieces.push_back(std::move(*piece));
  }
  return JoinAnswers(pieces);
}

}  // namespace

std::vector<Outputs> RunBatch(const Model& model, const std::vector<JobPtr>& batch,
                              std::int64_t max_rows) {
  if (batch.size() > 1) {
    std::int64_t rows = 0;
    for (const JobPtr& job : batch) rows += job->rows;
    const Outputs together = Run(model, Join(batch), rows);
    if (together) return Cut(*together, batch);
  }
  std::vector<Outputs> results;
  for (const JobPtr& job : batch) results.push_back(RunAlone(model, *job, max_rows));
  return results;
}

}  // namespace penstock::serve
