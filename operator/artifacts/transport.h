// How a launcher reaches artifacts: the gateway over HTTPS, or a folder of this machine.
//
// Gateway paths (operator/gateway/artifact_routes.h):
//   HEAD, GET /artifacts/v1/blobs/sha256:<hex>          Range honoured
//   PUT       /artifacts/v1/blobs/sha256:<hex>          201, 200 when it was there; a client that
//                                                       sends Expect then need not send the body
//   POST      /artifacts/v1/blobs/sha256:<hex>/verify   {"whole":true}; else it is set aside
//   POST      /artifacts/v1/blobs/sha256:<hex>/download          a signed URL of the store itself,
//                                                                or {}
//   POST      /artifacts/v1/blobs/sha256:<hex>/upload?bytes=<n>  {"stored":true} when it is there
//   PUT, GET  /artifacts/v1/receipts/<run uid>/<pod>
//   PUT       /artifacts/v1/metrics/<run uid>/<pod>
//   GET       /artifacts/v1/predictions/<model deployment>         what a server logged
//   PUT, GET  /artifacts/v1/predictions/<model deployment>/<file>
// The namespace is that of the bearer token's service account, not of the path.
//
// Calls block until done, retry transient failures with back-off for `deadline` (a full disk three
// times, a certificate that is not trusted eight times: about 10 s), and give up with the last one.
// A download goes on where it broke. Used by one thread.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "operator/artifacts/prediction_store.h"
#include "operator/base/result.h"
#include "operator/protocol/task.h"

namespace penstock::artifacts {

class Transport {
 public:
  virtual ~Transport() = default;
  // Writes artifact to `target` (must not exist), verified; see Store::Get for mismatches.
  [[nodiscard]] virtual Result<void> Fetch(const ArtifactRef& artifact,
                                           const std::filesystem::path& target) = 0;
  [[nodiscard]] virtual Result<ArtifactRef> Upload(const std::filesystem::path& source) = 0;
  [[nodiscard]] virtual Result<void> PutReceipt(const Receipt& receipt) = 0;
  // What a step says of itself (StepMetrics::Format), over what it said before.
  [[nodiscard]] virtual Result<void> PutMetrics(const std::string& run_uid, const std::string& pod,
                                                const std::string& text) = 0;

  // A prediction log (prediction_store.h). Put takes the file's name from its path.
  [[nodiscard]] virtual Result<void> PutPredictions(const std::string& deployment,
                                                    const std::filesystem::path& file) = 0;
  [[nodiscard]] virtual Result<std::vector<PredictionFile>> ListPredictions(
      const std::string& deployment) = 0;
  // Writes `target`, over what is there.
  [[nodiscard]] virtual Result<void> FetchPredictions(const std::string& deployment,
                                                      const std::string& name,
                                                      const std::filesystem::path& target) = 0;
};

struct TransportOptions {
  std::string namespace_;
  std::chrono::milliseconds deadline{600'000};  // of failures in a row within one call
  std::stop_token stop;
  // The URL is this end of a tunnel whose other end somebody trusted has vouched for (a port that
  // `kubectl port-forward` opened through the API server): the certificate, made for another name,
  // is not verified. Never for a connection over a network.
  bool vouched_channel = false;
};

// By what the task's store names: a folder, or a URL.
[[nodiscard]] Result<std::unique_ptr<Transport>> MakeTransport(const TaskStore& store,
                                                               const TransportOptions& options);

}  // namespace penstock::artifacts
