#include "operator/gateway/login/provider.h"

#include <openssl/evp.h>

#include <algorithm>

#include "operator/base/base64.h"
#include "operator/base/file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/net/proxy.h"
#include "operator/net/url.h"

namespace penstock::gateway::login {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::chrono::hours kKeptFor{1};
constexpr std::chrono::seconds kTroubleKeptFor{5};  // whoever asks meanwhile is told the same
constexpr std::chrono::seconds kLeastBetweenKeys{10};
constexpr std::size_t kMostDocument = 1 << 20, kMostSecret = 16 * 1024;

std::string Text(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it != object.end() && it->is_string() ? it->get<std::string>() : "";
}

bool IsHere(const std::string& host) {
  return host == "127.0.0.1" || host == "::1" || host == "localhost";
}

// https, or http where nobody is between.
Result<void> CheckAddress(const std::string& url, const std::string& what) {
  const auto parsed = net::ParseUrl(url);
  if (!parsed) return Wrap(what, parsed.error());
  if (!parsed->tls && !IsHere(parsed->host))
    return Invalid(what + ": " + plan::Shown(url, 200) + " must be https");
  return {};
}

net::HttpRequest Reading() {
  net::HttpRequest request;
  request.repeatable = true;
  return request;
}

// BASE64URL(SHA256(verifier)), RFC 7636, section 4.2.
std::string ChallengeOf(const std::string& verifier) {
  std::string digest(32, '\0');
  unsigned int size = 0;
  EVP_Digest(verifier.data(), verifier.size(), reinterpret_cast<unsigned char*>(digest.data()),
             &size, EVP_sha256(), nullptr);
  return WebSafe(digest);
}

using Fields = std::vector<std::pair<std::string, std::string>>;
std::string Form(const Fields& fields) {
  std::string text;
  for (const auto& [name, value] : fields)
    text += (text.empty() ? "" : "&") + name + "=" + net::UrlEncode(value);
  return text;
}

bool Offers(const Json& document, const char* name, const std::string& word) {
  const auto list = document.find(name);
  return list != document.end() && list->is_array() &&
         std::any_of(list->begin(), list->end(), [&](const Json& one) { return one == word; });
}

// What the token endpoint says of a code that it does not take (RFC 6749, section 5.2).
Error NotTaken(int status, const std::string& body) {
  Error e;
  e.kind = status >= 500 || status == 429 ? ErrorKind::kTransient : ErrorKind::kForbidden;
  e.message = "the issuer answers " + std::to_string(status);
  const auto said = ParseJson(body, "its answer");
  if (said && said->is_object())
    for (const char* name : {"error", "error_description"})
      if (const std::string text = Text(*said, name); !text.empty())
        e.message += ": " + plan::Shown(text, 200);
  return e;
}

}  // namespace

Result<std::unique_ptr<Provider>> Provider::Make(ProviderSettings settings, const Clock& clock) {
  PENSTOCK_TRY(CheckAddress(settings.issuer, "the issuer"));
  PENSTOCK_TRY(CheckAddress(settings.redirect_uri, "the redirect URI"));
  if (settings.client_id.empty()) return Invalid("the client's id is missing");
  return std::unique_ptr<Provider>(new Provider(std::move(settings), clock));
}

Result<Json> Provider::Fetch(const std::string& url, net::HttpRequest request,
                             const std::stop_token& stop) const {
  PENSTOCK_ASSIGN(const net::Url parsed, net::ParseUrl(url));
  net::HttpClientOptions options;
  options.tls.ca_pem = settings_.ca_pem;
  PENSTOCK_ASSIGN(options.proxy, net::ProxyFromEnvironment(parsed, settings_.environment));
  PENSTOCK_ASSIGN(const auto client, net::HttpClient::Make(parsed.Base(), options));
  request.target = parsed.target.empty() ? "/" : parsed.target;
  request.headers.emplace_back("Accept", "application/json");
  request.max_body = kMostDocument;
  net::Limits limits;
  limits.deadline = std::chrono::steady_clock::now() + kPatience;
  limits.stop = stop;
  PENSTOCK_ASSIGN(const auto reply, client->Send(request, limits));
  if (!reply.Good()) return NotTaken(reply.status, reply.body);
  PENSTOCK_ASSIGN(Json document, ParseJson(reply.body, "the issuer's answer"));
  if (!document.is_object()) return Invalid("the issuer's answer is no JSON object");
  return document;
}

Result<Provider::Endpoints> Provider::ReadDiscovery(const Json& document) const {
  if (Text(document, "issuer") != settings_.issuer)
    return Invalid("its discovery document is of the issuer '" +
                   plan::Shown(Text(document, "issuer"), 200) + "', not of '" + settings_.issuer +
                   "'");
  Endpoints found{Text(document, "authorization_endpoint"), Text(document, "token_endpoint"),
                  Text(document, "jwks_uri"), false};
  PENSTOCK_TRY(CheckAddress(found.authorize, "its authorization_endpoint"));
  PENSTOCK_TRY(CheckAddress(found.token, "its token_endpoint"));
  PENSTOCK_TRY(CheckAddress(found.keys, "its jwks_uri"));
  // One that says nothing takes client_secret_basic (OpenID Connect Discovery 1.0, section 3).
  const char* const methods = "token_endpoint_auth_methods_supported";
  found.secret_in_body = Offers(document, methods, "client_secret_post") &&
                         !Offers(document, methods, "client_secret_basic");
  return found;
}

Result<Provider::Endpoints> Provider::Discover(const std::stop_token& stop) {
  const std::lock_guard lock(mutex_);
  if (endpoints_ && clock_.Steady() < endpoints_until_) return *endpoints_;
  std::string base = settings_.issuer;
  while (base.ends_with('/')) base.pop_back();
  const auto read = [&]() -> Result<Endpoints> {
    PENSTOCK_ASSIGN(const Json document,
                    Fetch(base + "/.well-known/openid-configuration", Reading(), stop));
    return ReadDiscovery(document);
  };
  auto found = read();
  if (!found) {
    // Whatever it is, it is no fault of who wants to log in.
    Error e = Wrap("the issuer " + settings_.issuer, found.error());
    e.kind = ErrorKind::kTransient;
    if (stop.stop_requested()) return e;
    // What was known goes on to hold.
    if (endpoints_ && *endpoints_)
      found = *endpoints_;
    else
      found = std::move(e);
    endpoints_until_ = clock_.Steady() + kTroubleKeptFor;
  } else {
    endpoints_until_ = clock_.Steady() + kKeptFor;
  }
  endpoints_ = found;
  return found;
}

std::optional<Result<std::vector<SigningKey>>> Provider::KnownKeys(bool anew) {
  const std::lock_guard lock(keys_mutex_);
  const auto now = clock_.Steady();
  const bool asked_lately = keys_asked_ != Steady() && now < keys_asked_ + kLeastBetweenKeys;
  if (now >= keys_until_ || (anew && !asked_lately)) return std::nullopt;
  // One that is not among them may be new: what keeps us from knowing is said then.
  if (keys_trouble_ && (anew || !keys_)) return *keys_trouble_;
  return *keys_;
}

Result<std::vector<SigningKey>> Provider::Keys(const Endpoints& endpoints, bool anew,
                                               const std::stop_token& stop) {
  if (auto known = KnownKeys(anew)) return *std::move(known);
  std::unique_lock asking(asking_, std::try_to_lock);
  if (!asking.owns_lock()) {
    // Somebody is asking: what is older than an hour will do meanwhile.
    if (const std::lock_guard lock(keys_mutex_); keys_ && !anew) return *keys_;
    asking.lock();
    if (auto known = KnownKeys(anew)) return *std::move(known);
  }
  const auto read = [&]() -> Result<std::vector<SigningKey>> {
    PENSTOCK_ASSIGN(const Json document, Fetch(endpoints.keys, Reading(), stop));
    return ParseKeys(document);
  };
  auto keys = read();
  const std::lock_guard lock(keys_mutex_);
  if (keys) {
    keys_ = *keys;
    keys_trouble_ = std::nullopt;
    keys_asked_ = clock_.Steady();
    keys_until_ = keys_asked_ + kKeptFor;
    return keys;
  }
  Error e = Wrap("the keys of the issuer " + settings_.issuer, keys.error());
  e.kind = ErrorKind::kTransient;
  if (stop.stop_requested()) return e;
  keys_trouble_ = e;
  keys_asked_ = clock_.Steady();
  keys_until_ = keys_asked_ + kTroubleKeptFor;
  if (keys_ && !anew) return *keys_;
  return e;
}

Result<std::string> Provider::AuthorizationUrl(const Attempt& attempt,
                                               const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const Endpoints endpoints, Discover(stop));
  std::string scope = "openid";
  for (const std::string& one : settings_.scopes)
    if (one != "openid") scope += " " + one;
  const bool has_query = endpoints.authorize.find('?') != std::string::npos;
  return endpoints.authorize + (has_query ? "&" : "?") +
         Form({{"response_type", "code"},
               {"client_id", settings_.client_id},
               {"redirect_uri", settings_.redirect_uri},
               {"scope", scope},
               {"state", attempt.state},
               {"nonce", attempt.nonce},
               {"code_challenge", ChallengeOf(attempt.verifier)},
               {"code_challenge_method", "S256"}});
}

Result<std::string> Provider::IdToken(const Endpoints& endpoints, const std::string& code,
                                      const Attempt& attempt, const std::stop_token& stop) const {
  Fields fields{{"grant_type", "authorization_code"},
                {"code", code},
                {"redirect_uri", settings_.redirect_uri},
                {"code_verifier", attempt.verifier}};
  net::HttpRequest request;
  request.method = "POST";
  std::string secret;
  if (!settings_.client_secret.empty()) {
    auto read = ReadFile(settings_.client_secret, kMostSecret);
    if (!read) {
      Error e = Wrap("the client's secret", read.error());
      e.kind = ErrorKind::kTransient;  // the Secret may come
      return e;
    }
    secret = *std::move(read);
    while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  }
  if (secret.empty() || endpoints.secret_in_body)
    fields.emplace_back("client_id", settings_.client_id);
  if (!secret.empty() && endpoints.secret_in_body) fields.emplace_back("client_secret", secret);
  // Each is encoded before they are joined (RFC 6749, section 2.3.1).
  if (!secret.empty() && !endpoints.secret_in_body)
    request.headers.emplace_back("Authorization",
                                 "Basic " + EncodeBase64(net::UrlEncode(settings_.client_id) + ":" +
                                                         net::UrlEncode(secret)));
  request.headers.emplace_back("Content-Type", "application/x-www-form-urlencoded");
  request.body = Form(fields);
  const auto answer = Fetch(endpoints.token, std::move(request), stop);
  if (!answer) return Wrap("the issuer " + settings_.issuer, answer.error());
  std::string token = Text(*answer, "id_token");
  if (token.empty())
    return Internal("the issuer's answer has no id_token: is openid among its scopes?");
  return token;
}

Result<Person> Provider::Redeem(const std::string& code, const Attempt& attempt,
                                const std::stop_token& stop) {
  PENSTOCK_ASSIGN(const Endpoints endpoints, Discover(stop));
  PENSTOCK_ASSIGN(const std::string token, IdToken(endpoints, code, attempt, stop));
  const TokenRules rules{settings_.issuer, settings_.client_id, attempt.nonce};
  for (const bool anew : {false, true}) {
    PENSTOCK_ASSIGN(const auto keys, Keys(endpoints, anew, stop));
    const auto claims = VerifyIdToken(token, keys, rules, clock_.Now());
    if (claims) return PersonOf(*claims, settings_.claims, settings_.issuer);
    if (claims.error().kind != ErrorKind::kNotFound) return claims.error();
  }
  Error e = Invalid("the ID token is signed by none of the issuer's keys");
  e.kind = ErrorKind::kForbidden;
  return e;
}

}  // namespace penstock::gateway::login
