// What a port shows under TLS: a certificate with its chain, and the key. TLS 1.2 and newer, ALPN
// http/1.1. Immutable: connections that began with one keep it until they end. Any thread.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <utility>

#include "operator/base/result.h"
#include "operator/base/time.h"

namespace penstock::router {

class ServerTls {
 public:
  // PEM texts: the certificate with those between it and its authority, and its key, which needs no
  // password. Invalid says what is wrong with which of the two.
  [[nodiscard]] static Result<std::shared_ptr<const ServerTls>> Make(const std::string& chain_pem,
                                                                     const std::string& key_pem);
  [[nodiscard]] SSL_CTX* context() const { return context_.get(); }
  [[nodiscard]] TimePoint until() const { return until_; }  // of the certificate
  // The texts that it was made of, for who makes TLS by another library.
  [[nodiscard]] const std::string& chain_pem() const { return chain_pem_; }
  [[nodiscard]] const std::string& key_pem() const { return key_pem_; }

 private:
  using Context = std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)>;
  ServerTls(Context context, TimePoint until, std::string chain_pem, std::string key_pem)
      : context_(std::move(context)),
        until_(until),
        chain_pem_(std::move(chain_pem)),
        key_pem_(std::move(key_pem)) {}

  Context context_;
  TimePoint until_;
  std::string chain_pem_;
  std::string key_pem_;
};

}  // namespace penstock::router
