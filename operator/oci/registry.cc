#include "operator/oci/registry.h"

#include <algorithm>
#include <map>

#include "operator/base/base64.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"
#include "operator/net/url.h"

namespace penstock::oci {
namespace {

bool IsHere(const std::string& registry) {
  const std::string host = registry.substr(0, registry.find(':'));
  return host == "localhost" || host == "127.0.0.1";
}

// What stands in `Bearer realm="...",service="...",scope="..."`.
std::map<std::string, std::string> Challenge(std::string_view header) {
  std::map<std::string, std::string> found;
  if (header.rfind("Bearer ", 0) != 0) return found;
  header.remove_prefix(7);
  while (!header.empty()) {
    const auto equals = header.find("=\"");
    if (equals == std::string_view::npos) break;
    const auto end = header.find('"', equals + 2);
    if (end == std::string_view::npos) break;
    std::string name(header.substr(0, equals));
    name.erase(0, name.find_first_not_of(", "));
    found[name] = std::string(header.substr(equals + 2, end - equals - 2));
    header.remove_prefix(end + 1);
  }
  return found;
}

bool IsBasic(std::string_view header) {
  std::string word(header.substr(0, header.find(' ')));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return word == "basic";
}

}  // namespace

class Registry::Impl {
 public:
  Impl(ImageName name, RegistryOptions options)
      : name_(std::move(name)), options_(std::move(options)) {
    follow_.client.may_connect = options_.may_ask;
    follow_.client.tls.ca_pem = options_.ca_pem;
    follow_.proxy_for = options_.proxy_for;
    follow_.deadline = options_.deadline;
    follow_.stop = options_.stop;
    login_ = options_.logins.For(name_.registry, name_.repository);
  }

  // The answer to a request for `path`, asked with a login where one is wanted.
  Result<net::HttpResponse> Send(const std::string& path, const net::HttpRequest& request) {
    const std::string url = (IsHere(name_.registry) ? "http://" : "https://") + name_.registry +
                            "/v2/" + name_.repository + path;
    auto reply = net::SendFollowing(url, request, Authorization(), follow_);
    if (!reply || reply->status != 401) return reply;
    // None yet, or a token that has ended while a large blob was on its way.
    const std::string challenge(reply->Header("www-authenticate"));
    const std::string before = std::exchange(authorization_, "");
    PENSTOCK_TRY(TakeLogin(challenge));
    if (authorization_ == before) return reply;
    return net::SendFollowing(url, request, Authorization(), follow_);
  }

  Result<std::string> Text(const std::string& path, const std::string& accept) {
    net::HttpRequest request;
    request.headers = {{"User-Agent", "penstock"}, {"Accept", accept}};
    request.max_body = kMaxDocument;
    PENSTOCK_ASSIGN(auto reply, Send(path, request));
    if (!reply.Good()) return Refusal(reply.status);
    return std::move(reply.body);
  }

  Result<void> Blob(const std::string& digest, std::uint64_t size, const net::TakeBytes& take) {
    Sha256 hash;
    std::uint64_t bytes = 0;
    net::DownloadOptions how = options_.blobs;
    how.stop = options_.stop;
    how.max_bytes = std::min(how.max_bytes, size);
    const net::Send send = [&](const net::HttpRequest& r) { return Send("/blobs/" + digest, r); };
    const net::TakeBytes verified = [&](std::string_view part) -> Result<void> {
      hash.Update(part);
      bytes += part.size();
      return take(part);
    };
    auto reply = net::Download(send, verified, how);
    if (!reply) return Wrap("blob " + digest.substr(0, 19), reply.error());
    if (bytes != size || "sha256:" + hash.HexDigest() != digest)
      return Error{ErrorKind::kDamaged,
                   "the registry " + name_.registry + " gives other bytes than those of " + digest};
    return {};
  }

 private:
  Error Refusal(int status) const {
    const std::string what = "the registry " + name_.registry + " answers " +
                             std::to_string(status) + " for " + name_.repository;
    if (status == 404) return NotFound(what + ": it has no such image " + name_.reference);
    if (status == 401 || status == 403)
      return Error{ErrorKind::kForbidden,
                   what + (login_ ? ": it does not take the login of imagePullSecrets"
                                  : ": it wants a login, and none is known for it")};
    return status >= 500 || status == 429 ? Transient(what) : Invalid(what);
  }

  net::Headers Authorization() const {
    if (authorization_.empty()) return {};
    return {{"Authorization", authorization_}};
  }

  std::string Basic() const {
    return "Basic " + EncodeBase64(login_->user + ":" + login_->password);
  }

  Result<void> TakeLogin(const std::string& header) {
    if (IsBasic(header)) {
      if (!login_) return Refusal(401);
      authorization_ = Basic();
      return {};
    }
    const auto challenge = Challenge(header);
    const auto realm = challenge.find("realm");
    if (realm == challenge.end()) return Refusal(401);
    std::string target = realm->second +
                         (realm->second.find('?') == std::string::npos ? "?" : "&") +
                         "scope=" + net::UrlEncode("repository:" + name_.repository + ":pull");
    if (const auto service = challenge.find("service"); service != challenge.end())
      target += "&service=" + net::UrlEncode(service->second);
    auto url = net::ParseUrl(target);
    if (!url)
      return Wrap("the registry " + name_.registry + " names no place for tokens", url.error());
    if (login_ && !url->tls && !IsHere(url->host))
      return Error{ErrorKind::kForbidden, "the registry " + name_.registry +
                                              " wants a login sent without TLS, to " + url->host};
    net::HttpRequest request;
    request.headers = {{"User-Agent", "penstock"}, {"Accept", "application/json"}};
    request.max_body = kMaxDocument;
    net::Headers login;
    if (login_) login = {{"Authorization", Basic()}};
    PENSTOCK_ASSIGN(const auto reply, net::SendFollowing(target, request, login, follow_));
    if (!reply.Good()) return Refusal(reply.status);
    return ReadToken(reply.body, url->host);
  }

  Result<void> ReadToken(const std::string& body, const std::string& host) {
    const auto json = ParseJson(body, "the token of " + host);
    std::string token;
    if (json && json->is_object())
      for (const char* field : {"access_token", "token"})
        if (const auto it = json->find(field); it != json->end() && it->is_string())
          token = it->get<std::string>();
    if (token.empty() || net::HasControl(token)) return Invalid(host + " gives no token");
    authorization_ = "Bearer " + token;
    return {};
  }

  const ImageName name_;
  const RegistryOptions options_;
  net::FollowOptions follow_;
  std::optional<Login> login_;
  std::string authorization_;
};

Registry::Registry(ImageName name, RegistryOptions options)
    : impl_(std::make_unique<Impl>(std::move(name), std::move(options))) {}
Registry::~Registry() = default;

Result<Json> Registry::Document(const std::string& path, const std::string& accept,
                                const std::string& digest, std::string* found) {
  PENSTOCK_ASSIGN(const std::string text, impl_->Text(path, accept));
  const std::string is = "sha256:" + Sha256Hex(text);
  if (!digest.empty() && is != digest)
    return Invalid("the registry's answer is not what its digest names (" + digest + ")");
  if (found != nullptr) *found = is;
  PENSTOCK_ASSIGN(auto json, ParseJson(text, "the registry's answer"));
  if (!json.is_object()) return Invalid("the registry's answer is no image");
  return json;
}

Result<void> Registry::Blob(const std::string& digest, std::uint64_t size,
                            const net::TakeBytes& take) {
  return impl_->Blob(digest, size, take);
}

}  // namespace penstock::oci
