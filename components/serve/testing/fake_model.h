// A model for tests: y = 2 x over rows of one float each, with a switch for what goes wrong.
#pragma once

#include <algorithm>
#include <atomic>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <vector>

#include "components/serve/engine/batch_queue.h"
#include "components/serve/engine/model_names.h"

namespace penstock::serve {

class DoublingModel : public Model {
 public:
  explicit DoublingModel(bool batched = true) {
    signature_.batched = batched;
    signature_.inputs = {{"x", Datatype::kFp32, {-1, 1}, false, false}};
    signature_.outputs = {{"y", Datatype::kFp32, {-1, 1}}};
  }

  const Signature& signature() const override { return signature_; }
  std::string platform() const override { return "fake"; }

  Result<std::vector<Tensor>> Prepare(std::vector<InputTensor> inputs) const override {
    return std::vector<Tensor>{
        {"", Datatype::kFp32, inputs[0].shape, std::get<std::vector<float>>(inputs[0].data)}};
  }
  Result<std::vector<Tensor>> Run(const std::vector<Tensor>& prepared) const override {
    if (before_run) before_run();
    Tensor y = prepared.front();
    auto& values = std::get<std::vector<float>>(y.data);
    {
      std::lock_guard lock(mutex_);
      batches_.push_back(values.size());
    }
    if (std::count(values.begin(), values.end(), 666.0F) > 0) throw std::runtime_error("poison");
    for (float& v : values) v *= 2;
    return std::vector<Tensor>{y};
  }
  Result<std::vector<Tensor>> Present(std::vector<Tensor> raw) const override {
    raw[0].name = "y";
    return raw;
  }

  // Rows of each run so far.
  [[nodiscard]] std::vector<std::size_t> batches() const {
    std::lock_guard lock(mutex_);
    return batches_;
  }

  std::function<void()> before_run;

 private:
  Signature signature_;
  mutable std::mutex mutex_;
  mutable std::vector<std::size_t> batches_;
};

inline JobPtr MakeJob(std::vector<float> rows) {
  auto job = std::make_unique<Job>();
  job->rows = static_cast<std::int64_t>(rows.size());
  job->inputs = {{"", Datatype::kFp32, {job->rows, 1}, std::move(rows)}};
  return job;
}

}  // namespace penstock::serve
