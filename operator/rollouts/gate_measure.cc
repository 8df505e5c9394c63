#include "operator/rollouts/gate_measure.h"

#include <charconv>
#include <chrono>
#include <cmath>

#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/net/http_client.h"
#include "operator/net/url.h"

namespace penstock::rollouts {
namespace {

constexpr std::chrono::seconds kDeadline{10};
constexpr std::size_t kMostBytes = 1UL << 20;
constexpr std::size_t kLookedThrough = 64UL << 10;

Result<net::HttpResponse> Get(const std::string& url, const GateMeasureOptions& options) {
  auto parsed = net::ParseUrl(url);
  if (!parsed) return parsed.error();
  net::HttpClientOptions how;
  how.may_connect = options.may_ask;
  auto client = net::HttpClient::Make(parsed->Base(), how);
  if (!client) return client.error();
  net::HttpRequest request;
  request.target = parsed->target.empty() ? "/" : parsed->target;
  request.headers = {{"User-Agent", "penstock"}, {"Accept-Encoding", "identity"}};
  request.max_body = kMostBytes;
  net::Limits limits;
  limits.deadline = std::chrono::steady_clock::now() + kDeadline;
  limits.stop = options.stop;
  auto reply = (*client)->Send(request, limits);
  if (!reply) return Wrap("GET of " + parsed->host, reply.error());
  return reply;
}

std::optional<double> NumberIn(const std::string& text) {
  double v = 0;
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, v);
  if (read.ec != std::errc{} || read.ptr != end || std::isnan(v)) return std::nullopt;
  return v;
}

// {"status": "success", "data": {"resultType": "vector", "result": [{"value": [time, "1"]}]}}, or
// of a scalar "result": [time, "1"].
GateMeasure ReadAnswer(const std::string& body) {
  GateMeasure m;
  try {
    const Json answer = Json::parse(body);
    if (answer.value("status", "") != "success") {
      m.error = "Prometheus says: " + plan::Shown(answer.value("error", "no success"), 256);
      return m;
    }
    const Json& data = answer.at("data");
    const Json& result = data.at("result");
    const bool scalar = data.at("resultType") == "scalar";
    if (!scalar && result.size() != 1) {
      m.error = "the query gives " + std::to_string(result.size()) + " values; it must give one";
      return m;
    }
    const Json& value = scalar ? result : result.at(0).at("value");
    m.value = NumberIn(value.at(1).get<std::string>());
    if (!m.value) m.error = "the query's value is no number";
  } catch (const Json::exception&) {
    m.error = "the answer is not one of Prometheus's API";
  }
  return m;
}

GateMeasure MeasurePrometheus(const api::PrometheusGate& gate, const GateMeasureOptions& options) {
  std::string url = gate.url;
  while (url.ends_with('/')) url.pop_back();
  const auto reply = Get(url + "/api/v1/query?query=" + net::UrlEncode(gate.query), options);
  if (!reply) return {false, {}, reply.error().message};
  // 400 and 422 tell what is wrong with the query in the same form.
  if (reply->status != 200 && reply->status != 400 && reply->status != 422)
    return {false, {}, "Prometheus answered " + std::to_string(reply->status)};
  GateMeasure m = ReadAnswer(reply->body);
  if (m.value)
    m.good = (gate.min.empty() || *m.value >= NumberIn(gate.min).value_or(0)) &&
             (gate.max.empty() || *m.value <= NumberIn(gate.max).value_or(0));
  return m;
}

// An answer that comes is a measurement, whatever it says; a server that cannot be reached is none.
GateMeasure MeasureHttp(const api::HttpGate& gate, const GateMeasureOptions& options) {
  const auto reply = Get(gate.url, options);
  if (!reply) return {false, {}, reply.error().message};
  GateMeasure m;
  m.value = reply->status;
  m.good = reply->status == gate.status &&
           std::string_view(reply->body).substr(0, kLookedThrough).find(gate.contains) !=
               std::string_view::npos;
  return m;
}

}  // namespace

GateMeasure MeasureGate(const api::GateSpec& gate, const GateMeasureOptions& options) {
  if (gate.prometheus) return MeasurePrometheus(*gate.prometheus, options);
  if (gate.http) return MeasureHttp(*gate.http, options);
  return {false, {}, "the gate asks nothing"};
}

}  // namespace penstock::rollouts
