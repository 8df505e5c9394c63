// What one model has done since it was loaded, as the V2 statistics extension tells it.
// Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "components/serve/engine/model_identity.h"
#include "operator/base/time.h"

namespace penstock::serve {

class Statistics {
 public:
  using Duration = std::chrono::steady_clock::duration;

  // How long one request's parts took: reading it, waiting, its batch, writing the answer.
  struct Parts {
    Duration input{};
    Duration queue{};
    Duration compute{};
    Duration output{};
  };

  void Succeeded(std::int64_t rows, const Parts& parts, TimePoint now);
  void Failed(Duration total);
  // A batch of `rows` ran; every batch of a row count is one execution.
  void Executed(std::int64_t rows, Duration compute);

  // An element of "model_stats".
  [[nodiscard]] std::string ToJsonText(const ModelIdentity& model) const;

 private:
  struct Sum {
    std::uint64_t count = 0;
    std::uint64_t ns = 0;
    void Add(Duration duration);
  };

  mutable std::mutex mutex_;
  // All guarded by mutex_.
  std::int64_t last_inference_ms_ = 0;
  std::uint64_t rows_ = 0;
  std::uint64_t executions_ = 0;
  Sum success_, fail_, input_, queue_, compute_, output_;
  std::map<std::int64_t, Sum> batches_;
};

}  // namespace penstock::serve
