// The certificate that a gRPC port shows, renewed while the port goes on: gRPC asks for it with
// each new connection, by the fetcher of its C API, which its C++ API has no name for. Internal to
// the gRPC front: includes gRPC.
#pragma once

#include <grpc/grpc_security.h>
#include <grpcpp/security/server_credentials.h>

#include <memory>
#include <mutex>

#include "components/router/edge/server_tls.h"

namespace penstock::router {

class ShownCertificate {
 public:
  explicit ShownCertificate(std::shared_ptr<const ServerTls> tls) : shown_(std::move(tls)) {}
  // Any thread.
  void Set(std::shared_ptr<const ServerTls> tls);
  // gRPC's own form; of one server.
  [[nodiscard]] static grpc_ssl_certificate_config_reload_status Fetch(
      void* self, grpc_ssl_server_certificate_config** config);

 private:
  std::mutex mutex_;
  std::shared_ptr<const ServerTls> shown_;
  std::shared_ptr<const ServerTls> fetched_;
};

// TLS 1.2 and newer, no certificates of clients. Keeps it alive.
[[nodiscard]] std::shared_ptr<grpc::ServerCredentials> CredentialsOf(
    std::shared_ptr<ShownCertificate> certificate);

}  // namespace penstock::router
