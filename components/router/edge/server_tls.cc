#include "components/router/edge/server_tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <array>
#include <ctime>
#include <string_view>
#include <utility>

namespace penstock::router {

namespace {

using Bio = std::unique_ptr<BIO, decltype(&BIO_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;
using PrivateKey = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Bio Read(const std::string& pem) {
  return {BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())), BIO_free};
}

Error Unusable(const std::string& what) {
  const unsigned long code = ERR_peek_last_error();
  std::array<char, 256> text{};
  if (code != 0) ERR_error_string_n(code, text.data(), text.size());
  ERR_clear_error();
  return Invalid(code == 0 ? what : what + " (" + text.data() + ")");
}

// Nobody sits at a terminal to be asked for it.
int NoPassword(char* /*to*/, int /*size*/, int /*writing*/, void* /*unused*/) { return -1; }

// http/1.1 is all that this port speaks: a client that insists on another is told so.
int ChooseProtocol(SSL* /*ssl*/, const unsigned char** chosen, unsigned char* size,
                   const unsigned char* offered, unsigned int offered_size, void* /*unused*/) {
  static constexpr std::string_view kOurs = "http/1.1";
  for (unsigned int at = 0; at < offered_size; at += 1U + offered[at]) {
    const std::string_view one(reinterpret_cast<const char*>(offered + at + 1), offered[at]);
    if (one != kOurs) continue;
    *chosen = offered + at + 1;
    *size = offered[at];
    return SSL_TLSEXT_ERR_OK;
  }
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<TimePoint> UseChain(SSL_CTX* context, const std::string& pem) {
  const Bio bio = Read(pem);
  const Certificate own(PEM_read_bio_X509_AUX(bio.get(), nullptr, NoPassword, nullptr), X509_free);
  if (!own) return Unusable("tls.crt holds no certificate in PEM");
  if (SSL_CTX_use_certificate(context, own.get()) != 1)
    return Unusable("the certificate of tls.crt cannot be used");
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, NoPassword, nullptr)) {
    if (SSL_CTX_add0_chain_cert(context, next) == 1) continue;
    X509_free(next);
    return Unusable("a certificate of the chain in tls.crt cannot be used");
  }
  // The end of the text is told as an error, too; anything else is half a certificate.
  const unsigned long code = ERR_peek_last_error();
  if (ERR_GET_LIB(code) != ERR_LIB_PEM || ERR_GET_REASON(code) != PEM_R_NO_START_LINE)
    return Unusable("a certificate of the chain in tls.crt cannot be read");
  ERR_clear_error();
  std::tm until{};
  ASN1_TIME_to_tm(X509_get0_notAfter(own.get()), &until);
  return std::chrono::system_clock::from_time_t(::timegm(&until));
}

Result<void> UseKey(SSL_CTX* context, const std::string& pem) {
  const Bio bio = Read(pem);
  const PrivateKey key(PEM_read_bio_PrivateKey(bio.get(), nullptr, NoPassword, nullptr),
                       EVP_PKEY_free);
  if (!key) return Unusable("tls.key holds no private key in PEM without a password");
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1)
    return Unusable("tls.key is not the key of the certificate in tls.crt");
  return {};
}

void Harden(SSL_CTX* context) {
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(
      context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  // What clients resume by is with them (tickets): nothing of it is kept here.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context, ChooseProtocol, nullptr);
}

}  // namespace

Result<std::shared_ptr<const ServerTls>> ServerTls::Make(const std::string& chain_pem,
                                                         const std::string& key_pem) {
  ERR_clear_error();
  Context context(SSL_CTX_new(TLS_server_method()), SSL_CTX_free);
  if (!context) return Unusable("TLS cannot be set up");
  Harden(context.get());
  const auto until = UseChain(context.get(), chain_pem);
  if (!until) return until.error();
  if (auto used = UseKey(context.get(), key_pem); !used) return used.error();
  return std::shared_ptr<const ServerTls>(
      new ServerTls(std::move(context), *until, chain_pem, key_pem));
}

}  // namespace penstock::router
