#include "operator/azure/shared_key.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "operator/base/base64.h"
#include "operator/base/sha256.h"

namespace penstock::azure {
namespace {

constexpr const char* kStandard[] = {"content-encoding",
                                     "content-language",
                                     "content-length",
                                     "content-md5",
                                     "content-type",
                                     "date",
                                     "if-modified-since",
                                     "if-match",
                                     "if-none-match",
                                     "if-unmodified-since",
                                     "range"};

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return char(std::tolower(c)); });
  return text;
}

}  // namespace

std::string SharedKeyText(const net::RequestToSign& request, const std::string& account) {
  std::map<std::string, std::string> headers;
  for (const auto& [name, value] : request.headers) headers[Lower(name)] = value;
  std::string out = request.method + "\n";
  for (const char* name : kStandard) {
    const auto found = headers.find(name);
    const bool nothing =
        std::string(name) == "content-length" && found != headers.end() && found->second == "0";
    out += (found == headers.end() || nothing ? "" : found->second) + "\n";
  }
  for (const auto& [name, value] : headers) {
    if (name.starts_with("x-ms-")) out += name + ":" + value + "\n";
  }
  out += "/" + account + request.path;
  std::map<std::string, std::string> query;
  for (const auto& [name, value] : request.query) query[Lower(name)] = value;
  for (const auto& [name, value] : query) out += "\n" + name + ":" + value;
  return out;
}

std::string SharedKey(const net::RequestToSign& request, const std::string& account,
                      const std::string& key) {
  return "SharedKey " + account + ":" +
         EncodeBase64(HmacSha256(key, SharedKeyText(request, account)));
}

}  // namespace penstock::azure
