// Traces of requests: W3C trace context in, OpenTelemetry spans out. Pure but for random ids.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/time.h"

namespace penstock::serve {

struct TraceContext {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};  // of the caller; zeros when there is none
  bool sampled = false;
};

// A traceparent header (W3C Trace Context, level 1; later versions are read as far as it goes).
// Nothing when it is none: the request then starts a trace of its own.
[[nodiscard]] std::optional<TraceContext> ParseTraceparent(std::string_view header);

// Random ids. Thread-safe: a generator a thread.
[[nodiscard]] TraceContext NewTrace(bool sampled);
[[nodiscard]] std::array<std::uint8_t, 8> NewSpanId();
// True in about `ratio` of the calls.
[[nodiscard]] bool Draw(double ratio);

struct Span {
  std::array<std::uint8_t, 16> trace_id{};
  std::array<std::uint8_t, 8> span_id{};
  std::array<std::uint8_t, 8> parent_id{};
  std::string name;
  bool server = false;  // its kind: of a request, or within one
  TimePoint begin;
  TimePoint end;
  std::vector<std::pair<std::string, std::string>> texts;
  std::vector<std::pair<std::string, std::int64_t>> numbers;
  bool failed = false;
};

// What became of a request that is traced.
struct TracedRequest {
  std::string name;      // "infer"
  std::string protocol;  // "http", "grpc"
  std::string model;
  std::string version;
  int status = 200;
  TimePoint end;
  std::chrono::nanoseconds total{};
  std::chrono::nanoseconds input{};  // read and prepared, before the queue
  std::chrono::nanoseconds queue{};
  std::chrono::nanoseconds compute{};
  std::int64_t rows = 0;  // 0: it was not computed
};

// The request's span, and within it those of the queue and the computation.
[[nodiscard]] std::vector<Span> SpansOf(const TraceContext& context, const TracedRequest& request);

// An ExportTraceServiceRequest in OTLP's JSON form.
[[nodiscard]] std::string EncodeSpans(const std::string& service, const std::string& version,
                                      const std::vector<Span>& spans);

}  // namespace penstock::serve
