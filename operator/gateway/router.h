// Paths to handlers. Filled before the server starts, read by many threads after.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "operator/net/exchange.h"

namespace penstock::gateway {

using net::Exchange;
using net::Headers;
using net::ReadWholeBody;
using net::RespondError;

using PathParameters = std::map<std::string, std::string>;
using Handler = std::function<void(Exchange&, const PathParameters&)>;

class Router {
 public:
  // `pattern` is made of parts: "/artifacts/v1/blobs/{digest}"; "{name}" takes one part that is not
  // empty, and a last "{name...}" takes all that is left. The first pattern that fits is taken.
  void Add(const std::string& method, const std::string& pattern, Handler handler);

  // Calls the handler; else answers 404, or 405 where the path has other methods. A HEAD without a
  // handler of its own goes to GET's.
  void Dispatch(Exchange& exchange) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> parts;
    Handler handler;
  };
  std::vector<Route> routes_;
};

}  // namespace penstock::gateway
