#include "components/serve/batch_run.h"

#include <exception>
#include <utility>

namespace penstock::serve {
namespace {

using Outputs = Result<std::vector<Tensor>>;

Outputs Run(const Model& model, const std::vector<Tensor>& inputs, std::int64_t rows) {
  Outputs outputs = Internal("the model did not run");
  try {
    outputs = model.Run(inputs);
  } catch (const std::exception& e) {
    return Internal(std::string("the model failed: ") + e.what());
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

}  // namespace

std::vector<Outputs> RunBatch(const Model& model, const std::vector<JobPtr>& batch) {
  if (batch.size() > 1) {
    std::int64_t rows = 0;
    for (const JobPtr& job : batch) rows += job->rows;
    const Outputs together = Run(model, Join(batch), rows);
    if (together) return Cut(*together, batch);
  }
  std::vector<Outputs> results;
  for (const JobPtr& job : batch) results.push_back(Run(model, job->inputs, job->rows));
  return results;
}

}  // namespace penstock::serve
