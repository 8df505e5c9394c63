// An OpenID provider on 127.0.0.1 that holds its clients to the protocol: exact redirect URI, code
// once, PKCE, the client's secret. For tests only.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/gateway/login/seal.h"
#include "operator/gateway/x509.h"
#include "operator/net/http_server.h"
#include "operator/net/url.h"

namespace penstock::gateway::login {

inline std::string NumberText(EVP_PKEY* key, const char* name) {
  BIGNUM* number = nullptr;
  EVP_PKEY_get_bn_param(key, name, &number);
  std::string bytes(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, reinterpret_cast<unsigned char*>(bytes.data()));
  BN_free(number);
  return bytes;
}

// A key of the issuer's, and what it signs.
class TokenSigner {
 public:
  static TokenSigner Rsa(const std::string& id, int bits = 2048) {
    return {id, "RS256", KeyPtr(EVP_RSA_gen(static_cast<unsigned>(bits)), EVP_PKEY_free)};
  }
  static TokenSigner Ec(const std::string& id) {
    return {id, "ES256", KeyPtr(EVP_EC_gen("P-256"), EVP_PKEY_free)};
  }

  [[nodiscard]] Json Jwk() const {
    Json jwk{{"use", "sig"}, {"alg", algorithm}};
    if (!id.empty()) jwk["kid"] = id;
    if (algorithm == "RS256") {
      jwk["kty"] = "RSA";
      jwk["n"] = WebSafe(NumberText(key.get(), OSSL_PKEY_PARAM_RSA_N));
      jwk["e"] = WebSafe(NumberText(key.get(), OSSL_PKEY_PARAM_RSA_E));
      return jwk;
    }
    jwk["kty"] = "EC";
    jwk["crv"] = "P-256";
    jwk["x"] = WebSafe(Wide(NumberText(key.get(), OSSL_PKEY_PARAM_EC_PUB_X)));
    jwk["y"] = WebSafe(Wide(NumberText(key.get(), OSSL_PKEY_PARAM_EC_PUB_Y)));
    return jwk;
  }

  [[nodiscard]] std::string Sign(const Json& claims, Json head = Json::object()) const {
    if (!head.contains("alg")) head["alg"] = algorithm;
    if (!id.empty() && !head.contains("kid")) head["kid"] = id;
    const std::string text = WebSafe(head.dump()) + "." + WebSafe(claims.dump());
    return text + "." + WebSafe(Signature(text));
  }

  std::string id, algorithm;
  KeyPtr key;

 private:
  TokenSigner(std::string i, std::string a, KeyPtr k)
      : id(std::move(i)), algorithm(std::move(a)), key(std::move(k)) {}
  static std::string Wide(const std::string& bytes) {
    return std::string(32 - bytes.size(), '\0') + bytes;
  }
  [[nodiscard]] std::string Signature(const std::string& text) const {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr, key.get());
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    EVP_DigestSign(context, nullptr, &size, bytes, text.size());
    std::string out(size, '\0');
    EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size, bytes,
                   text.size());
    EVP_MD_CTX_free(context);
    out.resize(size);
    if (algorithm == "RS256") return out;
    const auto* der = reinterpret_cast<const unsigned char*>(out.data());
    ECDSA_SIG* signature = d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(out.size()));
    std::string raw(64, '\0');
    auto* to = reinterpret_cast<unsigned char*>(raw.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(signature), to, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(signature), to + 32, 32);
    ECDSA_SIG_free(signature);
    return raw;
  }
};

// name=value pairs of a form or query.
inline std::map<std::string, std::string> FormOf(const std::string& text) {
  std::map<std::string, std::string> fields;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('&', begin), text.size());
    const std::string one = text.substr(begin, end - begin);
    begin = end + 1;
    const std::size_t equals = one.find('=');
    fields[one.substr(0, equals)] = net::UrlDecode(one.substr(equals + 1)).value_or("?");
  }
  return fields;
}

class Issuer {
 public:
  Issuer() {
    net::HttpServerOptions options;
    options.address = "127.0.0.1";
    server_ = *net::HttpServer::Start(options, [this](net::Exchange& x) { Answer(x); });
    url = "http://127.0.0.1:" + std::to_string(server_->port());
  }
  ~Issuer() { server_->Stop(); }

  // Somebody logs in at the address that a browser was sent to: the query that it comes back with.
  std::string LogIn(const std::string& address, const Json& person) {
    const std::lock_guard lock(mutex_);
    const std::size_t mark = address.find('?');
    const auto asked = FormOf(address.substr(mark + 1));
    if (address.substr(0, mark) != url + "/authorize" || asked.at("redirect_uri") != redirect_uri ||
        asked.at("response_type") != "code" || asked.at("client_id") != client_id ||
        asked.at("code_challenge_method") != "S256" || asked.at("code_challenge").size() != 43 ||
        asked.at("scope").find("openid") != 0)
      return "error=invalid_request";
    const std::string code = "code-" + std::to_string(++codes_);
    Json claims = person;
    claims["nonce"] = asked.at("nonce");
    waiting_[code] = {asked.at("code_challenge"), claims};
    return "code=" + code + "&state=" + net::UrlEncode(asked.at("state")) +
           "&iss=" + net::UrlEncode(url);
  }

  std::string url, client_id = "penstock", client_secret = "s3cret/+ &";
  std::string redirect_uri = "https://penstock.example.com/api/v1/auth/callback";
  TokenSigner signer = TokenSigner::Rsa("first");  // of new tokens
  std::vector<TokenSigner> shown{signer};          // in its JWK set
  Json more = Json::object();                      // claims of every token, over the usual ones
  Json discovery = Json::object();                 // over the usual document
  std::atomic<int> key_requests = 0, discoveries = 0;
  std::atomic<bool> down = false, keys_down = false;
  std::mutex hold_keys;  // while it is held, they are not answered

 private:
  struct Waiting {
    std::string challenge;
    Json claims;
  };

  static void Give(net::Exchange& x, int status, const Json& body) {
    x.Respond(status, "application/json", body.dump());
  }

  void Answer(net::Exchange& x) {
    const auto body = net::ReadWholeBody(x, 64 << 10, [](std::size_t) { return Result<void>(); });
    if (x.path() == "/keys") {
      ++key_requests;
      const std::lock_guard waits(hold_keys);
    }
    const std::lock_guard lock(mutex_);
    if (down) return Give(x, 503, {{"error", "down"}});
    if (x.path() == "/.well-known/openid-configuration") {
      ++discoveries;
      Json document{{"issuer", url},
                    {"authorization_endpoint", url + "/authorize"},
                    {"token_endpoint", url + "/token"},
                    {"jwks_uri", url + "/keys"}};
      document.update(discovery);
      return Give(x, 200, document);
    }
    if (x.path() == "/keys") {
      if (keys_down) return Give(x, 503, {{"error", "down"}});
      Json keys = Json::array();
      for (const TokenSigner& one : shown) keys.push_back(one.Jwk());
      return Give(x, 200, {{"keys", keys}});
    }
    if (x.path() == "/token" && x.method() == "POST") return Token(x, FormOf(*body));
    Give(x, 404, Json::object());
  }

  void Token(net::Exchange& x, std::map<std::string, std::string> form) {
    const std::string basic =
        "Basic " + EncodeBase64(net::UrlEncode(client_id) + ":" + net::UrlEncode(client_secret));
    const bool known =
        client_secret.empty() ? form["client_id"] == client_id
        : x.Header("Authorization").empty()
            ? form["client_id"] == client_id && form["client_secret"] == client_secret
            : x.Header("Authorization") == basic;
    if (!known) return Give(x, 401, {{"error", "invalid_client"}});
    const auto waiting = waiting_.find(form["code"]);
    std::string digest(32, '\0');
    const std::string verifier = form["code_verifier"];
    EVP_Digest(verifier.data(), verifier.size(), reinterpret_cast<unsigned char*>(digest.data()),
               nullptr, EVP_sha256(), nullptr);
    if (waiting == waiting_.end() || form["grant_type"] != "authorization_code" ||
        form["redirect_uri"] != redirect_uri || waiting->second.challenge != WebSafe(digest))
      return Give(x, 400, {{"error", "invalid_grant"}, {"error_description", "no such code"}});
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const auto at = std::chrono::duration_cast<std::chrono::seconds>(now).count();
    Json claims{{"iss", url}, {"aud", client_id}, {"iat", at}, {"exp", at + 300}};
    claims.update(waiting->second.claims);
    claims.update(more);
    waiting_.erase(waiting);
    Give(x, 200,
         {{"access_token", "a"}, {"token_type", "Bearer"}, {"id_token", signer.Sign(claims)}});
  }

  std::mutex mutex_;
  int codes_ = 0;
  std::map<std::string, Waiting> waiting_;
  std::unique_ptr<net::HttpServer> server_;
};

}  // namespace penstock::gateway::login
