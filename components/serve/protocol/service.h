// Service: the HTTP side of the server. Finds what a request asks for, reads its dialect, hands it
// to Inference and writes the answer. No sockets. Thread-safe.
//
// Live in every state; what else is answered follows Inference's state.
#pragma once

#include <memory>
#include <string>

#include "components/serve/engine/inference.h"
#include "components/serve/protocol/http.h"
#include "components/serve/protocol/route.h"
#include "components/serve/telemetry/metrics.h"
#include "components/serve/telemetry/tracer.h"
#include "operator/base/byte_budget.h"

namespace penstock::serve {

class Service : public HttpHandler {
 public:
  struct Options {
    std::string server_version = {};
    std::uint64_t body_bytes = 64ULL << 20;  // of one body once it is decompressed
    // What bodies count for once more: decompressed ones, and large ones of predict requests.
    std::shared_ptr<ByteBudget> bodies = std::make_shared<ByteBudget>(256ULL << 20);
  };

  // All must outlive the service, and the service the jobs that came through it. The tracer may be
  // null.
  Service(Options options, Inference* inference, const Clock* clock, Metrics* metrics,
          Tracer* tracer = nullptr);

  void Handle(HttpRequest request, Respond respond) override;
  void CountRefused(int status) override;

 private:
  struct Pending;  // what is remembered of a request until it is answered
  using PendingPtr = std::shared_ptr<Pending>;

  [[nodiscard]] HttpResponse Ready() const;
  [[nodiscard]] HttpResponse Answer(const Route& route, const HttpRequest& request) const;
  [[nodiscard]] HttpResponse ModelAnswer(const Route& route) const;
  void Infer(const Route& route, HttpRequest* request, const PendingPtr& pending);
  [[nodiscard]] Result<InferRequest> Read(const Model& model, HttpRequest* request,
                                          Pending* pending);
  [[nodiscard]] static Result<void> HoldMore(std::uint64_t inflated, const HttpRequest& request,
                                             Pending* pending);
  [[nodiscard]] Result<void> Inflate(HttpRequest* request, Pending* pending);
  [[nodiscard]] static HttpResponse Write(const ServedModel& served, const InferAnswer& answer,
                                          const Pending& pending);
  void Finish(const Pending& pending, HttpResponse response);
  void Trace(const Pending& pending, int status);

  const Options options_;
  Inference* const inference_;
  const Clock* const clock_;
  Metrics* const metrics_;
  Tracer* const tracer_;
};

}  // namespace penstock::serve
