#include "operator/gateway/api/api_request.h"

#include <algorithm>
#include <charconv>

#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/net/exchange.h"
#include "operator/net/url.h"

namespace penstock::gateway {
namespace {

const std::string kJson = "application/json";

int ApiStatus(ErrorKind kind) {
  if (kind == ErrorKind::kUnsupported) return 501;
  if (kind == ErrorKind::kDamaged) return 500;
  return net::StatusOf(kind);
}

std::string Text(const Json& body) {
  return body.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace

Result<QueryPairs> ParseQuery(const std::string& query) {
  QueryPairs pairs;
  const auto decoded = [](std::string_view text) {
    std::string spaced(text);
    for (char& c : spaced)
      if (c == '+') c = ' ';
    return net::UrlDecode(spaced);
  };
  for (std::size_t begin = 0; begin < query.size();) {
    const std::size_t end = std::min(query.find('&', begin), query.size());
    const std::string_view one = std::string_view(query).substr(begin, end - begin);
    begin = end + 1;
    if (one.empty()) continue;
    const std::size_t equals = std::min(one.find('='), one.size());
    PENSTOCK_ASSIGN(std::string name, decoded(one.substr(0, equals)));
    PENSTOCK_ASSIGN(std::string value, decoded(one.substr(std::min(equals + 1, one.size()))));
    pairs.emplace_back(std::move(name), std::move(value));
  }
  return pairs;
}

std::string ApiRequest::Text(const std::string& name) const {
  for (const auto& [key, value] : query_)
    if (key == name) return value;
  return "";
}

std::vector<std::string> ApiRequest::All(const std::string& name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : query_)
    if (key == name) values.push_back(value);
  return values;
}

Result<std::uint64_t> ApiRequest::Number(const std::string& name, std::uint64_t otherwise,
                                         std::uint64_t low, std::uint64_t high) {
  const std::string text = Text(name);
  if (text.empty()) return otherwise;
  std::uint64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size() && number >= low &&
      number <= high)
    return number;
  field_ = name;
  return Invalid(name + ": '" + plan::Shown(text, 80) + "' is no whole number from " +
                 std::to_string(low) + " to " + std::to_string(high));
}

Result<std::optional<int>> ApiRequest::Index(const std::string& name) {
  if (Text(name).empty()) return std::optional<int>();
  PENSTOCK_ASSIGN(const auto number, Number(name, 0, 0, 1'000'000));
  return std::optional<int>(static_cast<int>(number));
}

Result<std::string> ApiRequest::OneOf(const std::string& name,
                                      const std::vector<std::string>& words) {
  const std::string text = Text(name);
  if (text.empty()) return words.front();
  std::string all;
  for (const std::string& word : words) {
    if (word == text) return text;
    all += (all.empty() ? "" : ", ") + word;
  }
  field_ = name;
  return Invalid(name + ": '" + plan::Shown(text, 80) + "' is none of " + all);
}

void RespondApiError(Exchange& x, int status, const std::string& code, const std::string& message,
                     const Headers& headers) {
  x.Respond(status, kJson, Text({{"error", {{"code", code}, {"message", message}}}}), headers);
}

void RespondApiError(Exchange& x, const Error& error, const std::string& field) {
  const int status = ApiStatus(error.kind);
  Json told{{"code", Name(error.kind)}, {"message", error.message}};
  if (!field.empty()) told["field"] = field;
  x.Respond(status, kJson, Text({{"error", told}}),
            status == 503 ? Headers{{"Retry-After", "1"}} : Headers{});
}

void RespondJson(Exchange& x, int status, const Json& body, Headers headers) {
  const std::string text = Text(body);
  if (status != 200) return x.Respond(status, kJson, text, headers);
  const std::string tag = "\"" + Sha256Hex(text).substr(0, 32) + "\"";
  headers.emplace_back("ETag", tag);
  headers.emplace_back("Cache-Control", "private, no-cache");
  if (x.Header("If-None-Match").find(tag) != std::string::npos)
    return x.Respond(304, "", "", headers);
  x.Respond(200, kJson, text, headers);
}

}  // namespace penstock::gateway
