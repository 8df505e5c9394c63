#include "components/serve/monitoring/model_observer.h"

#include <filesystem>
#include <utility>

#include "components/model_format/model_artifact.h"
#include "operator/base/file.h"
#include "operator/base/is_there.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::serve {
namespace {

struct SeenRequest : Observer::Seen {
  DriftMonitor::Bins bins;
  std::shared_ptr<LogRecord> record;
};

}  // namespace

Result<std::shared_ptr<ModelObserver>> ModelObserver::Make(const std::string& folder,
                                                           const Signature& signature,
                                                           ObserverOptions options,
                                                           const Clock* clock) {
  std::shared_ptr<ModelObserver> observer(new ModelObserver());
  const std::string path = folder + "/" + sdk::kStatisticsFile;
  PENSTOCK_ASSIGN(const bool has_statistics, IsThere(path));
  if (options.drift_window.count() > 0 && has_statistics) {
    auto text = ReadFile(path);
    if (!text) return text.error();
    auto statistics = ParseJson(*text, path);
    if (!statistics) return statistics.error();
    auto drift =
        std::make_unique<DriftMonitor>(*statistics, signature, options.drift_window, clock);
    if (drift->watched() > 0) observer->drift_ = std::move(drift);
  }
  if (options.log) {
    auto log = PredictionLog::Start(std::move(*options.log), signature, clock);
    if (!log) return log.error();
    observer->log_ = std::move(*log);
  }
  return observer;
}

std::shared_ptr<Observer::Seen> ModelObserver::SeeInputs(const std::vector<InputTensor>& inputs,
                                                         std::int64_t rows) {
  if (!drift_ && !log_) return nullptr;
  auto seen = std::make_shared<SeenRequest>();
  if (drift_) seen->bins = drift_->Find(inputs);
  if (log_) seen->record = log_->Take(inputs, rows);
  return seen;
}

void ModelObserver::SeeAnswer(const std::shared_ptr<Seen>& seen, const std::string& id,
                              const std::vector<Tensor>& outputs) {
  if (!seen) return;
  const auto& own = static_cast<const SeenRequest&>(*seen);
  if (drift_) drift_->Add(own.bins, outputs);
  if (own.record) log_->Add(own.record, id, outputs);
}

std::string ModelObserver::MetricsText() const {
  return (drift_ ? drift_->MetricsText() : "") + (log_ ? log_->MetricsText() : "");
}

}  // namespace penstock::serve
