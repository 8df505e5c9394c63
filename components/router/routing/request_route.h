// What a request asks for, read off its target: the kind of route, under which outcomes are counted
// (few, whatever clients send), and the version that its path names. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::router {

enum class RouteKind : std::uint8_t {
  kInfer,     // V2: /v2/models/M[/versions/N]/infer (and generate)
  kPredict,   // V1: /v1/models/M[/versions/N]:predict, :classify, :regress
  kMetadata,  // everything else below /v1 and /v2
  kHealth,    // probes and scrapes: never held, wake nobody
  kOther,     // any other path
};
inline constexpr std::size_t kRouteKinds = 5;
[[nodiscard]] const char* Name(RouteKind kind);

struct RequestRoute {
  RouteKind kind = RouteKind::kOther;
  // Of "/versions/N" in a path of V2 or V1, and where that stands in the target.
  std::optional<std::int64_t> version = {};
  std::size_t pin_begin = 0;
  std::size_t pin_end = 0;
};

// `target` in origin form ("/v2/models/m/infer?x").
[[nodiscard]] RequestRoute RouteOf(std::string_view target);

// Whether sending it twice does no more than sending it once: safe methods, and predictions, which
// are functions of their request.
[[nodiscard]] bool IsIdempotent(std::string_view method, RouteKind kind);

// A probe that is answered to everybody, token or none: GET or HEAD of a server's or a model's
// health by exactly these paths, never of its metrics.
[[nodiscard]] bool IsOpenProbe(std::string_view method, std::string_view target);

// The value of the header penstock-version: a whole number above 0, or nothing.
[[nodiscard]] std::optional<std::int64_t> ParseVersion(std::string_view text);

}  // namespace penstock::router
