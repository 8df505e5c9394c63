#include "operator/gateway/router.h"

#include <optional>
#include <set>

namespace penstock::gateway {
namespace {

std::vector<std::string> Split(std::string_view path) {
  std::vector<std::string> parts;
  for (std::size_t begin = 1; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    parts.emplace_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::optional<PathParameters> Match(const std::vector<std::string>& pattern,
                                    const std::vector<std::string>& path) {
  PathParameters out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const std::string& p = pattern[i];
    const bool parameter = p.size() > 2 && p.front() == '{' && p.back() == '}';
    if (parameter && p.size() > 5 && p.compare(p.size() - 4, 3, "...") == 0) {
      std::string rest;
      for (std::size_t k = i; k < path.size(); ++k) rest += (k > i ? "/" : "") + path[k];
      out[p.substr(1, p.size() - 5)] = rest;
      return out;
    }
    if (i >= path.size() || (parameter ? path[i].empty() : path[i] != p)) return std::nullopt;
    if (parameter) out[p.substr(1, p.size() - 2)] = path[i];
  }
  if (path.size() != pattern.size()) return std::nullopt;
  return out;
}

}  // namespace

void Router::Add(const std::string& method, const std::string& pattern, Handler handler) {
  routes_.push_back({method, Split(pattern), std::move(handler)});
}

void Router::Dispatch(Exchange& exchange) const {
  const auto path = Split(exchange.path());
  std::set<std::string> allowed;
  for (const auto& route : routes_) {
    auto parameters = Match(route.parts, path);
    if (!parameters) continue;
    const bool head = exchange.method() == "HEAD" && route.method == "GET";
    if (route.method == exchange.method() || head) return route.handler(exchange, *parameters);
    allowed.insert(route.method);
  }
  if (allowed.empty())
    return RespondError(exchange, 404, "nothing is at " + exchange.path().substr(0, 200));
  std::string list;
  for (const auto& method : allowed) list += (list.empty() ? "" : ", ") + method;
  RespondError(exchange, 405, exchange.method() + " is not possible here, but " + list,
               {{"Allow", list}});
}

}  // namespace penstock::gateway
