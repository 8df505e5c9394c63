#include "operator/gateway/token_review.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::gateway {
namespace {

constexpr std::size_t kMaxToken = 16 * 1024;
constexpr std::string_view kServiceAccount = "system:serviceaccount:";

Error Refused(const std::string& message) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = message;
  return e;
}

std::string Extra(const Json& user, const char* key) {
  const auto list = user.value("extra", Json::object()).value(key, Json::array());
  return list.is_array() && !list.empty() && list[0].is_string() ? list[0].get<std::string>() : "";
}

}  // namespace

Result<Identity> IdentityOf(const Json& review) {
  try {
    const Json status = review.value("status", Json::object());
    if (!status.value("authenticated", false))
      return Refused("the token is not accepted: " +
                     status.value("error", std::string("unknown or expired")));
    const auto audiences = status.value("audiences", std::vector<std::string>{});
    if (std::find(audiences.begin(), audiences.end(), kAudience) == audiences.end())
      return Refused(std::string("the token is not meant for the audience ") + kAudience);
    const Json user = status.value("user", Json::object());
    const std::string name = user.value("username", "");
    const std::size_t colon = name.find(':', kServiceAccount.size());
    if (name.rfind(kServiceAccount, 0) != 0 || colon == std::string::npos)
      return Refused("the token belongs to '" + name + "', which is no service account");
    Identity out;
    out.namespace_ = name.substr(kServiceAccount.size(), colon - kServiceAccount.size());
    out.service_account = name.substr(colon + 1);
    out.pod_name = Extra(user, "authentication.kubernetes.io/pod-name");
    out.pod_uid = Extra(user, "authentication.kubernetes.io/pod-uid");
    return out;
  } catch (const Json::exception& e) {
    return Internal(std::string("the API server's TokenReview makes no sense: ") + e.what());
  }
}

Result<Identity> TokenReviewAuthenticator::Authenticate(const std::string& bearer,
                                                        std::stop_token stop) {
  if (bearer.empty() || bearer.size() > kMaxToken)
    return Refused("the token is empty or over 16 KiB");
  if (auto known = reviews_.Find(bearer)) return *known;
  const Json request{{"apiVersion", "authentication.k8s.io/v1"},
                     {"kind", "TokenReview"},
                     {"spec", {{"token", bearer}, {"audiences", {kAudience}}}}};
  auto answer = client_.Create(kube::kTokenReviews, "", request,
                               {std::move(stop), std::chrono::milliseconds(5'000)});
  if (!answer) {
    Error e = Wrap("asking the API server about a token", answer.error());
    // Our own missing right is not the caller's: it must not look like a bad token.
    if (e.kind == ErrorKind::kForbidden) e.kind = ErrorKind::kTransient;
    return e;
  }
  auto identity = IdentityOf(*answer);
  const bool refused = !identity && identity.error().kind == ErrorKind::kForbidden;
  if (!identity && !refused) return identity;
  reviews_.Keep(bearer, !refused, identity, refused ? kRefusalLifetime : kIdentityLifetime);
  return identity;
}

}  // namespace penstock::gateway
