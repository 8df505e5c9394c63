#include "operator/net/tls.h"

#include "operator/net/tls_context.h"

namespace penstock::net {
namespace asio = boost::asio;
namespace ssl = asio::ssl;
using boost::system::error_code;
namespace {

std::shared_ptr<TlsContext> NewContext(ssl::context::method method) {
  auto tls = std::make_shared<TlsContext>(TlsContext{ssl::context(method)});
  SSL_CTX_set_min_proto_version(tls->context.native_handle(), TLS1_2_VERSION);
  return tls;
}

Error Unreadable(const std::string& what, error_code ec) {
  return Invalid(what + " cannot be read: " + ec.message());
}

Result<void> Show(ssl::context& context, const std::string& whose, const std::string& chain,
                  const std::string& key) {
  error_code ec;
  context.use_certificate_chain(asio::buffer(chain), ec);
  if (ec) return Unreadable(whose + " certificate", ec);
  context.use_private_key(asio::buffer(key), ssl::context::pem, ec);
  if (ec) return Unreadable(whose + " certificate's key", ec);
  return {};
}

}  // namespace

Result<std::shared_ptr<TlsContext>> MakeTls(const TlsSettings& settings) {
  auto tls = NewContext(ssl::context::tls_client);
  ssl::context& context = tls->context;
  error_code ec;
  context.set_verify_mode(settings.insecure ? ssl::verify_none : ssl::verify_peer, ec);
  if (settings.ca_pem.empty()) {
    context.set_default_verify_paths(ec);
  } else {
    context.add_certificate_authority(asio::buffer(settings.ca_pem), ec);
    if (ec) return Unreadable("the certificate authority", ec);
    // Any trusted certificate ends a chain, also one that is not self-signed.
    X509_STORE_set_flags(SSL_CTX_get_cert_store(context.native_handle()),
                         X509_V_FLAG_PARTIAL_CHAIN);
  }
  if (settings.certificate_pem.empty() != settings.key_pem.empty()) {
    return Invalid("a client certificate needs its key, and the key its certificate");
  }
  if (!settings.certificate_pem.empty()) {
    auto shown = Show(context, "the client", settings.certificate_pem, settings.key_pem);
    if (!shown) return shown.error();
  }
  return tls;
}

Result<std::shared_ptr<TlsContext>> MakeTls(const TlsIdentity& identity) {
  auto tls = NewContext(ssl::context::tls_server);
  auto shown = Show(tls->context, "the server's", identity.chain_pem, identity.key_pem);
  if (!shown) return shown.error();
  return tls;
}

}  // namespace penstock::net
