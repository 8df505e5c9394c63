#include "components/serve/telemetry/trace.h"

#include <algorithm>
#include <random>

#include "operator/base/json.h"

namespace penstock::serve {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;  // the header knows no capitals
}

template <std::size_t kSize>
bool ParseHex(std::string_view text, std::array<std::uint8_t, kSize>* bytes) {
  for (std::size_t i = 0; i < kSize; ++i) {
    const int high = HexDigit(text[2 * i]);
    const int low = HexDigit(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    (*bytes)[i] = static_cast<std::uint8_t>(high * 16 + low);
  }
  return true;
}

template <std::size_t kSize>
bool IsZero(const std::array<std::uint8_t, kSize>& bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t b) { return b == 0; });
}

template <std::size_t kSize>
std::string Hex(const std::array<std::uint8_t, kSize>& bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (std::uint8_t byte : bytes) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

std::mt19937_64& Generator() {
  thread_local std::mt19937_64 generator([] {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
  }());
  return generator;
}

template <std::size_t kSize>
void Fill(std::array<std::uint8_t, kSize>* bytes) {
  do {
    for (std::uint8_t& byte : *bytes) byte = static_cast<std::uint8_t>(Generator()());
  } while (IsZero(*bytes));
}

std::string Nanoseconds(TimePoint time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

Json SpanJson(const Span& span) {
  Json attributes = Json::array();
  for (const auto& [key, value] : span.texts)
    attributes.push_back({{"key", key}, {"value", {{"stringValue", value}}}});
  for (const auto& [key, value] : span.numbers)  // 64-bit numbers are texts in protobuf's JSON
    attributes.push_back({{"key", key}, {"value", {{"intValue", std::to_string(value)}}}});
  Json json = {{"traceId", Hex(span.trace_id)},
               {"spanId", Hex(span.span_id)},
               {"name", span.name},
               {"kind", span.server ? 2 : 1},
               {"startTimeUnixNano", Nanoseconds(span.begin)},
               {"endTimeUnixNano", Nanoseconds(span.end)},
               {"attributes", std::move(attributes)},
               {"status", span.failed ? Json{{"code", 2}} : Json::object()}};
  if (!IsZero(span.parent_id)) json["parentSpanId"] = Hex(span.parent_id);
  return json;
}

TimePoint Later(TimePoint time, std::chrono::nanoseconds by) {
  return time + std::chrono::duration_cast<TimePoint::duration>(by);
}

}  // namespace

std::optional<TraceContext> ParseTraceparent(std::string_view header) {
  // version "-" trace-id "-" parent-id "-" flags
  constexpr std::size_t kLength = 55;
  if (header.size() < kLength || header[2] != '-' || header[35] != '-' || header[52] != '-')
    return std::nullopt;
  std::array<std::uint8_t, 1> version{};
  std::array<std::uint8_t, 1> flags{};
  TraceContext context;
  if (!ParseHex(header.substr(0, 2), &version) || !ParseHex(header.substr(53, 2), &flags) ||
      !ParseHex(header.substr(3, 32), &context.trace_id) ||
      !ParseHex(header.substr(36, 16), &context.span_id))
    return std::nullopt;
  const bool longer = header.size() > kLength;
  if (version[0] == 0xff || (version[0] == 0 && longer) || (longer && header[kLength] != '-'))
    return std::nullopt;
  if (IsZero(context.trace_id) || IsZero(context.span_id)) return std::nullopt;
  context.sampled = (flags[0] & 1) != 0;
  return context;
}

TraceContext NewTrace(bool sampled) {
  TraceContext context;
  Fill(&context.trace_id);
  context.sampled = sampled;
  return context;
}

std::array<std::uint8_t, 8> NewSpanId() {
  std::array<std::uint8_t, 8> id{};
  Fill(&id);
  return id;
}

bool Draw(double ratio) {
  return std::uniform_real_distribution<double>(0, 1)(Generator()) < ratio;
}

std::vector<Span> SpansOf(const TraceContext& context, const TracedRequest& request) {
  Span whole;
  whole.trace_id = context.trace_id;
  whole.parent_id = context.span_id;
  whole.span_id = NewSpanId();
  whole.name = request.name;
  whole.server = true;
  whole.begin = Later(request.end, -request.total);
  whole.end = request.end;
  whole.texts = {{"network.protocol.name", request.protocol}, {"model.name", request.model}};
  if (!request.version.empty()) whole.texts.emplace_back("model.version", request.version);
  whole.numbers = {{"http.response.status_code", request.status}};
  whole.failed = request.status >= 500;
  if (request.rows == 0) return {whole};
  whole.numbers.emplace_back("model.rows", request.rows);
  Span queue;
  queue.trace_id = whole.trace_id;
  queue.parent_id = whole.span_id;
  queue.span_id = NewSpanId();
  queue.name = "queue";
  queue.begin = Later(whole.begin, request.input);
  queue.end = Later(queue.begin, request.queue);
  Span compute = queue;
  compute.span_id = NewSpanId();
  compute.name = "compute";
  compute.begin = queue.end;
  compute.end = Later(compute.begin, request.compute);
  return {whole, queue, compute};
}

std::string EncodeSpans(const std::string& service, const std::string& version,
                        const std::vector<Span>& spans) {
  Json list = Json::array();
  for (const Span& span : spans) list.push_back(SpanJson(span));
  const Json resource = {
      {"attributes", {{{"key", "service.name"}, {"value", {{"stringValue", service}}}}}}};
  const Json scope = {{"name", "penstock-serve"}, {"version", version}};
  return Json{{"resourceSpans",
               {{{"resource", resource},
                 {"scopeSpans", {{{"scope", scope}, {"spans", std::move(list)}}}}}}}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock::serve
