// The one caller of `penstock ui` on a loopback address: whoever has the token that it was started
// with. Other users of the machine, and pages of other sites in his browser, have not. Thread-safe.
#pragma once

#include <string>

#include "operator/gateway/api/access.h"

namespace penstock::gateway {

// Of the cookie that the page's browser gets; of another port it has another name.
[[nodiscard]] std::string CookieName(int port);

class LocalAccess : public Access {
 public:
  // `user`: as whom the machine knows him. `port`: that the server listens on; the Host header must
  // name it on this machine, whatever name a foreign page has made to point here.
  // `as`: what the API server of a cluster knows him by, for Caller::token; empty: there is none.
  LocalAccess(std::string user, std::string token, int port, std::string as = {})
      : user_(std::move(user)), token_(std::move(token)), as_(std::move(as)), port_(port) {}

  // By "Authorization: Bearer" or the cookie.
  [[nodiscard]] Result<Caller> WhoIs(net::Exchange& x) override;
  [[nodiscard]] Result<bool> May(const Caller&, const std::string&, const Right&,
                                 const std::stop_token&) override {
    return true;
  }
  [[nodiscard]] bool IsHere(net::Exchange& x) const;       // the Host header
  [[nodiscard]] bool IsToken(const std::string& t) const;  // in constant time

 private:
  const std::string user_, token_, as_;
  const int port_;
};

}  // namespace penstock::gateway
