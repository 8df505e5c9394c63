// Service: answers requests. Knows the protocol, the state of the model and the queue; no sockets.
//
//   Loading --(model right on its examples)--> Ready --(SIGTERM)--> Draining
//      \--(anything wrong)--> Failed: stays unready, says why
//
// Live in every state. Inference is answered when Ready and Draining. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>

#include "components/serve/http.h"
#include "components/serve/infer_encode.h"
#include "components/serve/metrics.h"
#include "components/serve/route.h"
#include "components/serve/worker_pool.h"

namespace penstock::serve {

class Service : public HttpHandler {
 public:
  struct Options {
    std::string server_version;
    int instances = 1;
    int intra_op_threads = 1;
    BatchPolicy batching;
    void (*on_worker_start)(int intra_op_threads) = nullptr;
  };

  // The clock and the metrics must outlive the service.
  Service(Options options, const Clock* clock, Metrics* metrics);
  ~Service() override;  // Stop()

  void Handle(HttpRequest request, Respond respond) override;
  void CountRefused(int status) override;

  // The model is right: start the instances and be ready.
  void Publish(ModelIdentity identity, std::shared_ptr<const Model> model);
  void Fail(const std::string& reason);
  void BeginDrain();
  // Finishes what is queued and ends the instances. Their answers go through the handlers given to
  // Handle, so this comes before those die.
  void Stop();

 private:
  struct Serving;  // what exists once the model is there

  [[nodiscard]] std::shared_ptr<Serving> serving() const;
  [[nodiscard]] Result<std::shared_ptr<Serving>> ServingFor(const Route& route) const;
  [[nodiscard]] HttpResponse Ready() const;
  [[nodiscard]] HttpResponse Answer(const Route& route) const;
  void Infer(const Route& route, HttpRequest request, Respond respond);
  [[nodiscard]] Result<JobPtr> MakeJob(const Serving& serving, HttpRequest* request,
                                       std::string* id, std::vector<std::size_t>* outputs);

  const Options options_;
  const Clock* const clock_;
  Metrics* const metrics_;
  const std::string id_prefix_;
  std::atomic<std::uint64_t> next_id_{0};
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  std::shared_ptr<Serving> serving_;  // guarded by mutex_
  std::string reason_;                // guarded by mutex_: why there is no serving_
};

}  // namespace penstock::serve
