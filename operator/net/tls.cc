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
  if (identity.client_ca_pem.empty()) return tls;
  error_code ec;
  tls->context.add_certificate_authority(asio::buffer(identity.client_ca_pem), ec);
  if (ec) return Unreadable("the authority of clients' certificates", ec);
  tls->context.set_verify_mode(ssl::verify_peer, ec);  // one that is shown; none may be
  SSL_CTX* const native = tls->context.native_handle();
  // Which of a person's certificates will do.
  X509_STORE* const trusted = SSL_CTX_get_cert_store(native);
  // Any of them ends a chain, also one that is not self-signed.
  X509_STORE_set_flags(trusted, X509_V_FLAG_PARTIAL_CHAIN);
  STACK_OF(X509_OBJECT)* const objects = X509_STORE_get0_objects(trusted);
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i)
    if (X509* const authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i)))
      SSL_CTX_add_client_CA(native, authority);
  // A session that goes on would take its certificate from before to a server that may trust
  // others.
  SSL_CTX_set_session_cache_mode(native, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(native, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(native, 0);
  return tls;
}

}  // namespace penstock::net
