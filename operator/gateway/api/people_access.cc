#include "operator/gateway/api/people_access.h"

#include "operator/base/try.h"

namespace penstock::gateway {
namespace {

// Whom the API server counts to it by himself.
constexpr const char* kEverybody = "system:authenticated";

Caller ByGateway(login::Person person) {
  Caller caller;
  caller.user = std::move(person.user);
  caller.groups = std::move(person.groups);
  caller.groups.emplace_back(kEverybody);
  caller.by_gateway = true;
  return caller;
}

}  // namespace

Result<Caller> PeopleAccess::WhoIs(net::Exchange& x) {
  if (!x.Header("Authorization").empty()) return cluster_.WhoIs(x);
  const std::string cookies = sessions_ == nullptr ? "" : x.Header("Cookie");
  if (!cookies.empty())
    if (auto session = sessions_->Find(cookies)) {
      Caller caller = ByGateway(std::move(session->person));
      caller.session = true;
      return caller;
    }
  if (const std::string certificate = x.ClientCertificate(); !certificate.empty()) {
    PENSTOCK_ASSIGN(login::Person person,
                    login::PersonOfCertificate(certificate, clock_.Now(), signer_));
    return ByGateway(std::move(person));
  }
  if (login::CookieIn(cookies, login::kSessionCookie).empty()) return cluster_.WhoIs(x);
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = "the session is over: log in again";
  return e;
}

}  // namespace penstock::gateway
