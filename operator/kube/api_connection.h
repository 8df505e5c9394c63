// How requests reach the API server: TLS and credentials, which are read again as they rotate, and
// what the server asks to have repeated. Used by api_client.cc. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>

#include "operator/base/time.h"
#include "operator/kube/client.h"
#include "operator/kube/config.h"
#include "operator/kube/credentials.h"
#include "operator/net/http_client.h"

namespace penstock::kube {

class ApiConnection {
 public:
  using NoteDate = std::function<void(std::string_view date)>;  // as ApiClient has it
  ApiConnection(ClusterConfig config, const Clock& clock, NoteDate note_date);

  // Invalid when the URL, a certificate or a key cannot be read.
  [[nodiscard]] Result<void> Check();

  // What every request has.
  [[nodiscard]] net::Headers Headers(const char* accept) const;

  // A 2xx; for anything else the error that it is, after what the server asked to have repeated.
  // `what` stands before it.
  [[nodiscard]] Result<net::HttpResponse> Send(const std::string& what, net::HttpRequest request,
                                               const Call& call);
  // A GET of which `sink` gets the body of a 2xx as it comes; any answer. `idle`: without a byte.
  [[nodiscard]] Result<net::HttpResponse> Stream(const std::string& target,
                                                 std::chrono::milliseconds idle,
                                                 std::function<Result<bool>(std::string_view)> sink,
                                                 const std::stop_token& stop);

 private:
  [[nodiscard]] Result<net::TlsSettings> ReadTls() const;
  // The client to use now.
  [[nodiscard]] Result<std::shared_ptr<net::HttpClient>> Http();
  [[nodiscard]] Result<void> Authorize(net::HttpRequest& request);
  // Sends, and once more after a 401 with credentials read again.
  [[nodiscard]] Result<net::HttpResponse> Authorized(net::HttpRequest& request,
                                                     const net::Limits& limits);

  const ClusterConfig config_;
  const Clock& clock_;
  const NoteDate note_date_;
  TokenSource token_;
  std::mutex mutex_;
  std::shared_ptr<net::HttpClient> http_;
  net::TlsSettings tls_;  // that http_ was made with
  std::chrono::steady_clock::time_point tls_read_{};
};

}  // namespace penstock::kube
