// The OpenID provider at which people log in: the authorization code flow with PKCE (OpenID Connect
// Core 1.0, RFC 7636, RFC 9207). Thread-safe; calls block, within ten seconds each.
//
//   AuthorizationUrl --> browser, issuer --> code --> Redeem: code for ID token --> who it is
//
// What the issuer says of itself (discovery) is asked for once an hour, its keys anew where a token
// names one that is not among them.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/time.h"
#include "operator/gateway/login/id_token.h"
#include "operator/gateway/login/sessions.h"
#include "operator/net/http_client.h"

namespace penstock::gateway::login {

struct ProviderSettings {
  std::string issuer;  // as it stands in its tokens; https, or http on this machine
  std::string client_id;
  std::filesystem::path client_secret;  // the file; empty: a public client, PKCE alone
  std::string ca_pem;                   // of the issuer's server; empty: the system's roots
  std::string redirect_uri;             // exactly as the issuer has it
  std::vector<std::string> scopes;      // beside openid
  ClaimRules claims;
  std::map<std::string, std::string> environment{};  // of proxies
};

class Provider {
 public:
  // Invalid where the issuer or redirect_uri is no address that may be one. Asks nobody.
  [[nodiscard]] static Result<std::unique_ptr<Provider>> Make(ProviderSettings settings,
                                                              const Clock& clock);

  // Where the browser goes to log in. kTransient while the issuer does not answer.
  [[nodiscard]] Result<std::string> AuthorizationUrl(const Attempt& attempt,
                                                     const std::stop_token& stop);
  // Who has logged in, for the code that came back. kForbidden where the issuer does not take the
  // code, or its token is not to be trusted.
  [[nodiscard]] Result<Person> Redeem(const std::string& code, const Attempt& attempt,
                                      const std::stop_token& stop);
  // Whether the `iss` of an answer ("" where it has none) may be the issuer's (RFC 9207).
  [[nodiscard]] bool IsIssuer(const std::string& iss) const {
    return iss.empty() || iss == settings_.issuer;
  }

 private:
  struct Endpoints {
    std::string authorize, token, keys;
    bool secret_in_body = false;  // client_secret_post alone
  };
  Provider(ProviderSettings settings, const Clock& clock)
      : settings_(std::move(settings)), clock_(clock) {}
  [[nodiscard]] Result<Json> Fetch(const std::string& url, net::HttpRequest request,
                                   const std::stop_token& stop) const;
  [[nodiscard]] Result<Endpoints> ReadDiscovery(const Json& document) const;
  [[nodiscard]] Result<Endpoints> Discover(const std::stop_token& stop);
  // `anew`: they are asked for unless that was done just now. Where the issuer does not give them,
  // those that were known go on to hold.
  [[nodiscard]] Result<std::vector<SigningKey>> Keys(const Endpoints& endpoints, bool anew,
                                                     const std::stop_token& stop);
  // What Keys answers without asking; nothing where it must ask.
  [[nodiscard]] std::optional<Result<std::vector<SigningKey>>> KnownKeys(bool anew);
  [[nodiscard]] Result<std::string> IdToken(const Endpoints& endpoints, const std::string& code,
                                            const Attempt& attempt,
                                            const std::stop_token& stop) const;

  using Steady = std::chrono::steady_clock::time_point;
  const ProviderSettings settings_;
  const Clock& clock_;
  std::mutex mutex_;
  std::optional<Result<Endpoints>> endpoints_;
  Steady endpoints_until_{};
  // Keys are asked for under the second alone, so that who knows them already does not wait.
  std::mutex keys_mutex_, asking_;
  std::optional<std::vector<SigningKey>> keys_;
  std::optional<Error> keys_trouble_;  // of the last time that they were asked for
  Steady keys_asked_{}, keys_until_{};
};

}  // namespace penstock::gateway::login
