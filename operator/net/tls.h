// What is trusted and what is shown under TLS. One policy for all of the operator: TLS 1.2 and
// newer; a client verifies the other side's certificate and name unless told otherwise.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "operator/base/result.h"

namespace penstock::net {

// Of a client: PEM texts.
struct TlsSettings {
  std::string ca_pem;           // trusted; empty = the system's roots
  std::string certificate_pem;  // ours, with its chain; empty = none
  std::string key_pem;
  std::string server_name;  // verified instead of the URL's host; empty = the host
  bool insecure = false;    // verifies nothing
  bool operator==(const TlsSettings&) const = default;
};

// Of a server: PEM texts.
struct TlsIdentity {
  std::string chain_pem;
  std::string key_pem;
  // Who signs certificates of clients: these are asked for one and need not show it, and a
  // connection that shows another's ends. Empty: nobody is asked.
  std::string client_ca_pem = {};
};
// What a server shows now, asked from any thread. A new object is picked up by the next connection;
// a client's certificate is held against its authorities at once (Exchange::ClientCertificate).
using TlsSource = std::function<Result<std::shared_ptr<const TlsIdentity>>()>;

struct TlsContext;  // what OpenSSL makes of either; of tls_context.h

// Invalid when a text cannot be read, or a certificate stands without its key.
[[nodiscard]] Result<std::shared_ptr<TlsContext>> MakeTls(const TlsSettings& settings);
[[nodiscard]] Result<std::shared_ptr<TlsContext>> MakeTls(const TlsIdentity& identity);

}  // namespace penstock::net
