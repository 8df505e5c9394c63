#include "components/router/routing/request_route.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace penstock::router {

namespace {

constexpr std::string_view kVersions = "/versions/";

bool IsProbe(std::string_view path) {
  static constexpr std::array<std::string_view, 8> kProbes = {
      "/metrics", "/healthz", "/livez",          "/readyz",
      "/ping",    "/health",  "/v2/health/live", "/v2/health/ready"};
  return std::find(kProbes.begin(), kProbes.end(), path) != kProbes.end();
}

// "/versions/N" after "/vX/models/M", with what follows it a new part or an action.
void FindPin(std::string_view path, RequestRoute* route) {
  const auto model_end = path.find('/', std::string_view("/v2/models/").size());
  if (model_end == std::string_view::npos || path.substr(model_end, kVersions.size()) != kVersions)
    return;
  const auto begin = model_end + kVersions.size();
  const auto end = std::min(path.find_first_of("/:", begin), path.size());
  const auto version = ParseVersion(path.substr(begin, end - begin));
  if (!version) return;
  route->version = version;
  route->pin_begin = model_end;
  route->pin_end = end;
}

}  // namespace

const char* Name(RouteKind kind) {
  switch (kind) {
    case RouteKind::kInfer:
      return "infer";
    case RouteKind::kPredict:
      return "predict";
    case RouteKind::kMetadata:
      return "metadata";
    case RouteKind::kHealth:
      return "health";
    case RouteKind::kOther:
      break;
  }
  return "other";
}

RequestRoute RouteOf(std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  RequestRoute route;
  const bool v2 = path.starts_with("/v2/") || path == "/v2";
  const bool v1 = path.starts_with("/v1/");
  if (path.starts_with("/v2/models/") || path.starts_with("/v1/models/")) FindPin(path, &route);
  if (IsProbe(path) || (v2 && path.ends_with("/ready"))) {
    route.kind = RouteKind::kHealth;
  } else if (v2 && (path.ends_with("/infer") || path.ends_with("/generate"))) {
    route.kind = RouteKind::kInfer;
  } else if (v1 && (path.ends_with(":predict") || path.ends_with(":classify") ||
                    path.ends_with(":regress"))) {
    route.kind = RouteKind::kPredict;
  } else if (v1 || v2) {
    route.kind = RouteKind::kMetadata;
  }
  return route;
}

bool IsIdempotent(std::string_view method, RouteKind kind) {
  if (method == "GET" || method == "HEAD" || method == "OPTIONS") return true;
  return method == "POST" && (kind == RouteKind::kInfer || kind == RouteKind::kPredict);
}

bool IsOpenProbe(std::string_view method, std::string_view target) {
  if (method != "GET" && method != "HEAD") return false;
  if (IsProbe(target)) return target != "/metrics";
  constexpr std::string_view kModels = "/v2/models/";
  constexpr std::string_view kReady = "/ready";
  if (!target.starts_with(kModels) || !target.ends_with(kReady) ||
      target.size() <= kModels.size() + kReady.size())
    return false;
  const auto model = target.substr(kModels.size(), target.size() - kModels.size() - kReady.size());
  const auto name = model.substr(0, model.find(kVersions));
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
           c == '_';
  });
  return plain && !name.empty() &&
         (name.size() == model.size() ||
          ParseVersion(model.substr(name.size() + kVersions.size())));
}

std::optional<std::int64_t> ParseVersion(std::string_view text) {
  std::int64_t version = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), version);
  if (ec != std::errc() || end != text.data() + text.size() || version < 1) return std::nullopt;
  return version;
}

}  // namespace penstock::router
