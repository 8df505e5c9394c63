#include "components/router/grpc/shown_certificate.h"

#include <grpc/grpc.h>

#include <string>
#include <utility>

namespace penstock::router {
namespace {

class RenewedCredentials final : public grpc::ServerCredentials {
 public:
  explicit RenewedCredentials(std::shared_ptr<ShownCertificate> certificate)
      : certificate_(std::move(certificate)),
        credentials_(grpc_ssl_server_credentials_create_with_options(
            grpc_ssl_server_credentials_create_options_using_config_fetcher(
                GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, ShownCertificate::Fetch,
                certificate_.get()))) {}
  ~RenewedCredentials() override { grpc_server_credentials_release(credentials_); }
  RenewedCredentials(const RenewedCredentials&) = delete;
  RenewedCredentials& operator=(const RenewedCredentials&) = delete;

  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>&) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  const std::shared_ptr<ShownCertificate> certificate_;
  grpc_server_credentials* const credentials_;
};

}  // namespace

void ShownCertificate::Set(std::shared_ptr<const ServerTls> tls) {
  const std::lock_guard lock(mutex_);
  shown_ = std::move(tls);
}

grpc_ssl_certificate_config_reload_status ShownCertificate::Fetch(
    void* self, grpc_ssl_server_certificate_config** config) {
  auto& shown = *static_cast<ShownCertificate*>(self);
  const std::lock_guard lock(shown.mutex_);
  if (shown.shown_ == shown.fetched_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  const grpc_ssl_pem_key_cert_pair pair{shown.shown_->key_pem().c_str(),
                                        shown.shown_->chain_pem().c_str()};
  // It aborts where it gets no roots for clients' certificates, which nobody is asked for.
  *config = grpc_ssl_server_certificate_config_create(shown.shown_->chain_pem().c_str(), &pair, 1);
  if (*config == nullptr) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
  shown.fetched_ = shown.shown_;
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

std::shared_ptr<grpc::ServerCredentials> CredentialsOf(
    std::shared_ptr<ShownCertificate> certificate) {
  return std::make_shared<RenewedCredentials>(std::move(certificate));
}

}  // namespace penstock::router
