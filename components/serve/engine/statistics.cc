#include "components/serve/engine/statistics.h"

#include <algorithm>

#include "operator/base/json.h"

namespace penstock::serve {
namespace {

Json SumJson(std::uint64_t count, std::uint64_t ns) { return {{"count", count}, {"ns", ns}}; }

// Requests choose the row counts; a table of them must not grow without bound.
constexpr std::size_t kMaxBatchSizes = 256;

}  // namespace

void Statistics::Sum::Add(Duration duration) {
  ++count;
  ns += static_cast<std::uint64_t>(
      std::max<std::int64_t>(0, std::chrono::nanoseconds(duration).count()));
}

void Statistics::Succeeded(std::int64_t rows, const Parts& parts, TimePoint now) {
  std::lock_guard lock(mutex_);
  last_inference_ms_ =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  rows_ += static_cast<std::uint64_t>(rows);
  success_.Add(parts.input + parts.queue + parts.compute + parts.output);
  input_.Add(parts.input);
  queue_.Add(parts.queue);
  compute_.Add(parts.compute);
  output_.Add(parts.output);
}

void Statistics::Failed(Duration total) {
  std::lock_guard lock(mutex_);
  fail_.Add(total);
}

void Statistics::Executed(std::int64_t rows, Duration compute) {
  std::lock_guard lock(mutex_);
  ++executions_;
  const auto known = batches_.find(rows);
  if (known != batches_.end()) {
    known->second.Add(compute);
  } else if (batches_.size() < kMaxBatchSizes) {
    batches_[rows].Add(compute);
  }
}

std::string Statistics::ToJsonText(const ModelIdentity& model) const {
  std::lock_guard lock(mutex_);
  const auto json = [](const Sum& sum) { return SumJson(sum.count, sum.ns); };
  Json batches = Json::array();
  for (const auto& [rows, sum] : batches_)
    batches.push_back({{"batch_size", rows}, {"compute_infer", json(sum)}});
  return Json{{"name", model.name},
              {"version", model.version},
              {"last_inference", last_inference_ms_},
              {"inference_count", rows_},
              {"execution_count", executions_},
              {"inference_stats",
               {{"success", json(success_)},
                {"fail", json(fail_)},
                {"queue", json(queue_)},
                {"compute_input", json(input_)},
                {"compute_infer", json(compute_)},
                {"compute_output", json(output_)}}},
              {"batch_stats", std::move(batches)}}
      .dump();
}

}  // namespace penstock::serve
