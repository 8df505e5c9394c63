#include "operator/gateway/api/local_access.h"

#include "operator/gateway/login/sessions.h"

namespace penstock::gateway {
namespace {

Error Stranger(const std::string& message) {
  Error e;
  e.kind = ErrorKind::kForbidden;
  e.message = message;
  return e;
}

}  // namespace

std::string CookieName(int port) { return "penstock-" + std::to_string(port); }

bool LocalAccess::IsHere(net::Exchange& x) const {
  const std::string host = x.Header("Host");
  for (const char* name : {"127.0.0.1:", "localhost:", "[::1]:"})
    if (host == name + std::to_string(port_)) return true;
  return false;
}

bool LocalAccess::IsToken(const std::string& given) const {
  unsigned differs = given.size() == token_.size() ? 0 : 1;
  for (std::size_t i = 0; i < token_.size(); ++i)
    differs |= static_cast<unsigned char>(i < given.size() ? given[i] : 0) ^
               static_cast<unsigned char>(token_[i]);
  return differs == 0;
}

Result<Caller> LocalAccess::WhoIs(net::Exchange& x) {
  if (!IsHere(x))
    return Stranger(
        "the request is for another host than this machine: open the address that `penstock ui` "
        "printed");
  const std::string header = x.Header("Authorization");
  const std::string given = header.rfind("Bearer ", 0) == 0
                                ? header.substr(7)
                                : login::CookieIn(x.Header("Cookie"), CookieName(port_));
  if (given.empty())
    return Stranger("the token is missing: open the address that `penstock ui` printed");
  if (!IsToken(given))
    return Stranger("the token is another one: open the address that `penstock ui` printed last");
  return Caller{user_, {}, as_, "{}"};
}

}  // namespace penstock::gateway
