#include "components/serve/protocol/route.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace penstock::serve {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  if (text.find('%') == std::string_view::npos) return std::string(text);
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      plain.push_back(text[i]);
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    plain.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return plain;
}

// "/v2/models/m" -> {"v2", "models", "m"}; nothing for a target that is no path. One trailing slash
// is forgiven, as the protocol's own description writes it.
std::optional<std::vector<std::string>> Segments(std::string_view target) {
  target = target.substr(0, target.find_first_of("?#"));
  if (target.empty() || target.front() != '/') return std::nullopt;
  target.remove_prefix(1);
  if (!target.empty() && target.back() == '/') target.remove_suffix(1);
  std::vector<std::string> segments;
  segments.reserve(8);  // more than any path here has
  while (true) {
    const std::size_t end = target.find('/');
    auto segment = PercentDecode(target.substr(0, end));
    if (!segment || segment->empty()) return std::nullopt;
    segments.push_back(std::move(*segment));
    if (end == std::string_view::npos) return segments;
    target.remove_prefix(end + 1);
  }
}

struct Verb {
  const char* name;
  Operation operation;
};
constexpr std::array<Verb, 3> kModelVerbs = {{{"ready", Operation::kModelReady},
                                              {"infer", Operation::kInfer},
                                              {"stats", Operation::kStatistics}}};

// models/M[/versions/V][/VERB] from s[2] on.
std::optional<Route> FindModelRoute(const std::vector<std::string>& s) {
  if (s.size() == 3 && s[2] == "stats") return Route{Operation::kStatistics, "", ""};
  Route route{Operation::kModelMetadata, s[2], ""};
  std::size_t next = 3;
  if (s.size() > 4 && s[3] == "versions") {
    route.version = s[4];
    next = 5;
  }
  if (next == s.size()) return route;
  if (next + 1 != s.size()) return std::nullopt;
  for (const Verb& verb : kModelVerbs) {
    if (s[next] != verb.name) continue;
    route.operation = verb.operation;
    return route;
  }
  return std::nullopt;
}

// TensorFlow Serving: models/M[/versions/V][:predict].
std::optional<Route> FindPredictRoute(std::vector<std::string> s) {
  if (s.size() < 3 || s[1] != "models") return std::nullopt;
  Route route{Operation::kPredictStatus, "", ""};
  const std::size_t colon = s.back().rfind(':');
  if (colon != std::string::npos) {
    if (s.back().substr(colon) != ":predict") return std::nullopt;
    s.back().resize(colon);
    route.operation = Operation::kPredict;
  }
  route.model = s[2];
  if (s.size() == 5 && s[3] == "versions") {
    route.version = s[4];
  } else if (s.size() != 3) {
    return std::nullopt;
  }
  return route;
}

std::optional<Route> FindRepositoryRoute(const std::vector<std::string>& s) {
  if (s.size() == 3 && s[2] == "index") return Route{Operation::kRepositoryIndex, "", ""};
  if (s.size() == 5 && s[2] == "models" && (s[4] == "load" || s[4] == "unload"))
    return Route{Operation::kRepositoryChange, s[3], ""};
  return std::nullopt;
}

std::optional<Route> FindPath(const std::vector<std::string>& s) {
  if (s.size() == 1 && s[0] == "metrics") return Route{Operation::kMetrics, "", ""};
  if (s[0] == "v1") return FindPredictRoute(s);
  if (s[0] != "v2") return std::nullopt;
  if (s.size() == 1) return Route{Operation::kServerMetadata, "", ""};
  if (s.size() == 3 && s[1] == "health" && s[2] == "live") return Route{Operation::kLive, "", ""};
  if (s.size() == 3 && s[1] == "health" && s[2] == "ready") return Route{Operation::kReady, "", ""};
  if (s.size() >= 3 && s[1] == "models") return FindModelRoute(s);
  if (s.size() >= 3 && s[1] == "repository") return FindRepositoryRoute(s);
  return std::nullopt;
}

}  // namespace

const char* MethodOf(Operation operation) {
  const bool post = operation == Operation::kInfer || operation == Operation::kPredict ||
                    operation == Operation::kRepositoryIndex ||
                    operation == Operation::kRepositoryChange;
  return post ? "POST" : "GET";
}

bool Takes(Operation operation, std::string_view method) {
  const std::string_view allowed = MethodOf(operation);
  return method == allowed || (method == "HEAD" && allowed == "GET");
}

Result<Route> FindRoute(std::string_view target) {
  const auto segments = Segments(target);
  auto route = segments ? FindPath(*segments) : std::nullopt;
  if (route) return *std::move(route);
  return NotFound(
      "there is nothing at this path; the server speaks the Open Inference Protocol V2 under "
      "/v2 and TensorFlow Serving's predict under /v1");
}

}  // namespace penstock::serve
