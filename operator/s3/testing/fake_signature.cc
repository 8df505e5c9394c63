#include "operator/s3/testing/fake_signature.h"

#include <algorithm>
#include <chrono>

#include "operator/base/sha256.h"
#include "operator/base/time.h"

namespace penstock::s3 {
namespace {

const SystemClock kWallClock;

std::string Between(const std::string& text, const std::string& begin, const std::string& end) {
  const std::size_t at = text.find(begin);
  if (at == text.npos) return "";
  const std::size_t from = at + begin.size();
  return text.substr(from, text.find(end, from) - from);
}

}  // namespace

std::string SignatureTrouble(net::Exchange& x, const std::map<std::string, std::string>& query,
                             const std::string& body, const net::SigningKeys& keys) {
  net::RequestToSign request{x.method(), x.Header("Host"), x.path(), {}, {}};
  const auto take = [&](const std::string& names) {
    for (std::size_t begin = 0; begin < names.size();) {
      const std::size_t end = std::min(names.find(';', begin), names.size());
      const std::string name = names.substr(begin, end - begin);
      begin = end + 1;
      const bool added = name == "host" || name == "x-amz-date" || name == "x-amz-content-sha256" ||
                         name == "x-amz-security-token";
      if (!added) request.headers.emplace_back(name, x.Header(name));
    }
  };
  if (query.contains("X-Amz-Signature")) {
    for (const auto& [name, value] : query)
      if (name.rfind("X-Amz-", 0) != 0) request.query.emplace_back(name, value);
    take(query.at("X-Amz-SignedHeaders"));
    std::string date = query.at("X-Amz-Date");
    date.insert(13, ":").insert(11, ":").insert(6, "-").insert(4, "-");
    const auto then = ParseTime(date);
    const std::chrono::seconds lifetime(std::stol(query.at("X-Amz-Expires")));
    if (!then || *then + lifetime < kWallClock.Now()) return "AccessDenied";
    const std::string mine = net::SignQuery(request, keys, {"us-east-1", "s3"}, *then, lifetime);
    const bool same = mine.ends_with("X-Amz-Signature=" + query.at("X-Amz-Signature"));
    return same ? "" : "SignatureDoesNotMatch";
  }
  const std::string authorization = x.Header("Authorization");
  if (authorization.empty()) return keys.access_key.empty() ? "" : "AccessDenied";
  if (Between(authorization, "Credential=", "/") != keys.access_key) return "InvalidAccessKeyId";
  for (const auto& [name, value] : query) request.query.emplace_back(name, value);
  take(Between(authorization, "SignedHeaders=", ","));
  std::string date = x.Header("x-amz-date");
  if (date.size() != 16) return "AccessDenied";
  date.insert(13, ":").insert(11, ":").insert(6, "-").insert(4, "-");
  const auto then = ParseTime(date);
  if (!then) return "AccessDenied";
  if (std::chrono::abs(*then - kWallClock.Now()) > std::chrono::minutes(15))
    return "RequestTimeTooSkewed";
  const std::string payload = x.Header("x-amz-content-sha256");
  // Google's word for whichever region.
  const std::string region =
      authorization.find("/auto/s3/") != std::string::npos ? "auto" : "us-east-1";
  const net::Headers mine = net::SignHeaders(request, payload, keys, {region, "s3"}, *then);
  if (mine.back().second != authorization) return "SignatureDoesNotMatch";
  if (payload != net::kUnsignedPayload && payload != Sha256Hex(body))
    return "XAmzContentSHA256Mismatch";
  return "";
}

}  // namespace penstock::s3
