// The observer of a served model: drift against its training data, and the prediction log. Either
// may be off.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "components/serve/engine/observer.h"
#include "components/serve/monitoring/drift.h"
#include "components/serve/monitoring/prediction_log.h"

namespace penstock::serve {

struct ObserverOptions {
  std::chrono::milliseconds drift_window{600'000};  // 0: drift is not watched
  std::optional<PredictionLog::Options> log;
};

class ModelObserver : public Observer {
 public:
  // Reads statistics.json from the model's folder; without one, or with one of an older format,
  // no drift is watched. Invalid for a log that cannot be.
  [[nodiscard]] static Result<std::shared_ptr<ModelObserver>> Make(const std::string& folder,
                                                                   const Signature& signature,
                                                                   ObserverOptions options,
                                                                   const Clock* clock);

  std::shared_ptr<Seen> SeeInputs(const std::vector<InputTensor>& inputs,
                                  std::int64_t rows) override;
  void SeeAnswer(const std::shared_ptr<Seen>& seen, const std::string& id,
                 const std::vector<Tensor>& outputs) override;
  std::string MetricsText() const override;

  [[nodiscard]] std::size_t watched() const { return drift_ ? drift_->watched() : 0; }
  [[nodiscard]] PredictionLog* log() const { return log_.get(); }

 private:
  ModelObserver() = default;
  std::unique_ptr<DriftMonitor> drift_;
  std::unique_ptr<PredictionLog> log_;
};

}  // namespace penstock::serve
