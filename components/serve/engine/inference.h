// Inference: the state of the model and the way of one request through it, whatever protocol it
// came by. Knows no sockets and no text.
//
//   Loading --(model right on its examples)--> Ready --(SIGTERM)--> Draining
//      \--(anything wrong)--> Failed: stays unready, says why
//
// Requests are taken when Ready and Draining. Thread-safe.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "components/serve/engine/infer_request.h"
#include "components/serve/engine/model_identity.h"
#include "components/serve/engine/model_names.h"
#include "components/serve/engine/observer.h"
#include "components/serve/engine/statistics.h"
#include "components/serve/engine/worker_pool.h"
#include "components/serve/host/event_loop.h"
#include "components/serve/telemetry/metrics.h"

namespace penstock::serve {

// The model once it is there.
class ServedModel {
 public:
  ServedModel(ModelIdentity who, std::shared_ptr<const Model> what, int instances,
              const BatchPolicy& batching, const Clock* clock, WorkerPool::Hooks hooks,
              std::shared_ptr<Observer> who_watches);

  const ModelIdentity identity;
  const std::shared_ptr<const Model> model;
  const std::unique_ptr<Statistics> statistics = std::make_unique<Statistics>();
  const std::shared_ptr<Observer> observer;  // may be null
  WorkerPool pool;
};

// One request on its way in.
struct InferCall {
  InferRequest request;  // borrowed strings must live until Infer returns
  SteadyTime begin;      // when its first byte was looked at
  std::optional<std::chrono::microseconds> timeout;  // from `begin`; the request may set a shorter
  CancelFlag cancelled;                              // may be null: the client cannot go away
  EventLoop* loop = nullptr;  // the thread that calls, where it may run the model; may be null
};

struct InferAnswer {
  std::string id;
  std::vector<Tensor> outputs;  // those that were asked for, in that order
  std::vector<bool> binary;     // of each, whether the client wants it so
  std::int64_t rows = 1;
  Statistics::Parts parts;
};

class Inference {
 public:
  struct Options {
    std::string model_name = {};  // as far as known before it is loaded
    std::string model_version = {};
    int instances = 1;
    int intra_op_threads = 1;
    BatchPolicy batching = {};
    std::int64_t max_rows = 100'000;  // of one request
    void (*on_worker_start)(int intra_op_threads) = nullptr;
  };
  enum class Phase { kLoading, kReady, kDraining, kFailed, kStopped };
  struct State {
    Phase phase = Phase::kLoading;
    ModelIdentity model;
    std::string reason;  // why it is not ready
  };
  using Done = std::function<void(Result<InferAnswer>)>;

  // The clock and the metrics must outlive it.
  Inference(Options options, const Clock* clock, Metrics* metrics);
  ~Inference();  // Stop()

  // The model is right: start the instances and be ready.
  void Publish(ModelIdentity identity, std::shared_ptr<const Model> model,
               std::shared_ptr<Observer> observer = nullptr);
  void Fail(const std::string& reason);
  void BeginDrain();
  // Finishes what is queued and ends the instances.
  void Stop();

  [[nodiscard]] State state() const;
  // Transient with the reason while there is no model; NotFound for another name or version. An
  // empty version is the one that there is.
  [[nodiscard]] Result<std::shared_ptr<ServedModel>> Find(const std::string& model,
                                                          const std::string& version) const;
  // Whatever there is; null without a model.
  [[nodiscard]] std::shared_ptr<ServedModel> served() const;

  // Calls done exactly once: on the caller's thread when the request is refused at once, or later
  // when it is a loop's and the model is quick; else on an instance's. `served` is kept alive until
  // then.
  void Infer(const std::shared_ptr<ServedModel>& served, InferCall call, Done done);
  // To be called when an answer has been encoded, for the figures.
  void Answered(const ServedModel& served, const InferAnswer& answer, SteadyTime begin);

 private:
  [[nodiscard]] Result<JobPtr> MakeJob(const ServedModel& served, InferCall* call,
                                       std::vector<std::size_t>* chosen, InferAnswer* answer,
                                       std::shared_ptr<Observer::Seen>* seen);

  const Options options_;
  const Clock* const clock_;
  Metrics* const metrics_;
  const std::string id_prefix_;
  std::atomic<std::uint64_t> next_id_{0};
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  std::shared_ptr<ServedModel> served_;  // guarded by mutex_
  Phase phase_ = Phase::kLoading;        // guarded by mutex_
  std::string reason_;                   // guarded by mutex_: why there is no served_
};

}  // namespace penstock::serve
