#include "operator/gateway/api/cluster_access.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/gateway/token_review.h"
#include "operator/kube/resources.h"

namespace penstock::gateway {
namespace {

constexpr std::size_t kMostToken = 16 * 1024;
constexpr std::chrono::milliseconds kReviewPatience{5'000};

Error NotAccepted(const std::string& message) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = message;
  return e;
}

// Our own missing right is not the caller's: it must not look like his.
Error OurTrouble(const std::string& what, Error error) {
  if (error.kind == ErrorKind::kForbidden) error.kind = ErrorKind::kTransient;
  return Wrap(what, std::move(error));
}

bool IsMeantForUs(const Json& status) {
  const auto audiences = status.value("audiences", std::vector<std::string>{});
  return std::find(audiences.begin(), audiences.end(), kAudience) != audiences.end();
}

// Json::exception where it makes no sense.
Result<Caller> ReadCaller(const Json& review, bool ours) {
  const Json status = review.value("status", Json::object());
  if (!status.value("authenticated", false))
    return NotAccepted("the token is not accepted: " +
                       status.value("error", std::string("unknown or expired")));
  // An API server that knows no audiences leaves them out, and has looked at none.
  if (ours && !IsMeantForUs(status))
    return NotAccepted(std::string("the token is not meant for the audience ") + kAudience);
  const Json user = status.value("user", Json::object());
  Caller caller;
  caller.user = user.value("username", "");
  caller.groups = user.value("groups", std::vector<std::string>{});
  if (caller.user.empty()) return NotAccepted("the token belongs to nobody");
  if (const auto extra = user.find("extra"); extra != user.end() && extra->is_object())
    caller.extra = extra->dump(-1, ' ', false, Json::error_handler_t::replace);
  return caller;
}

Result<Caller> CallerOf(const Json& review, bool ours) {
  try {
    return ReadCaller(review, ours);
  } catch (const Json::exception& e) {
    return Internal(std::string("the API server's TokenReview makes no sense: ") + e.what());
  }
}

}  // namespace

Result<Caller> ClusterAccess::Review(const std::string& bearer, bool ours,
                                     const std::stop_token& stop) {
  Json spec{{"token", bearer}};
  if (ours) spec["audiences"] = {kAudience};
  const Json request{
      {"apiVersion", "authentication.k8s.io/v1"}, {"kind", "TokenReview"}, {"spec", spec}};
  auto answer =
      client_.Create(kube::kTokenReviews, "", request, {.stop = stop, .timeout = kReviewPatience});
  if (!answer) return OurTrouble("asking the API server about a token", answer.error());
  return CallerOf(*answer, ours);
}

Result<Caller> ClusterAccess::WhoIs(net::Exchange& x) {
  const std::string header = x.Header("Authorization");
  if (header.rfind("Bearer ", 0) != 0) return NotAccepted("a bearer token is missing");
  const std::string bearer = header.substr(7);
  if (bearer.empty() || bearer.size() > kMostToken)
    return NotAccepted("the token is empty or over 16 KiB");
  auto person = people_.Find(bearer);
  if (!person) {
    person = Person{Review(bearer, false, x.stop()), true};
    const auto refused = [&] {
      return !person->caller && person->caller.error().kind == ErrorKind::kForbidden;
    };
    if (refused()) person = Person{Review(bearer, true, x.stop()), false};
    if (!person->caller && !refused()) return person->caller;
    people_.Keep(bearer, !refused(), *person, refused() ? kRefusalLifetime : kIdentityLifetime);
  }
  if (person->caller && person->acts) person->caller->token = bearer;
  return person->caller;
}

Result<bool> ClusterAccess::May(const Caller& caller, const std::string& ns, const Right& right,
                                const std::stop_token& stop) {
  Json resource{{"namespace", ns},
                {"verb", right.verb},
                {"group", right.group},
                {"resource", right.resource}};
  if (!right.subresource.empty()) resource["subresource"] = right.subresource;
  PENSTOCK_ASSIGN(const Json extra, ParseJson(caller.extra, "what else is said of the caller"));
  const Json spec{{"user", caller.user},
                  {"groups", caller.groups},
                  {"extra", extra},
                  {"resourceAttributes", resource}};
  const std::string asked = spec.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (const auto known = rights_.Find(asked)) return *known;
  auto answer = client_.Create(
      kube::kSubjectAccessReviews, "",
      {{"apiVersion", "authorization.k8s.io/v1"}, {"kind", "SubjectAccessReview"}, {"spec", spec}},
      {.stop = stop, .timeout = kReviewPatience});
  if (!answer)
    return OurTrouble("asking the API server what " + caller.user + " may do", answer.error());
  const Json status = answer->value("status", Json::object());
  const auto allowed = status.find("allowed");
  if (allowed == status.end() || !allowed->is_boolean())
    return Internal("the API server's SubjectAccessReview says neither yes nor no");
  const bool yes = allowed->get<bool>();
  rights_.Keep(asked, yes, yes, yes ? kIdentityLifetime : kRefusalLifetime);
  return yes;
}

}  // namespace penstock::gateway
