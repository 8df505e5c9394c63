#include "components/http/webhook.h"

#include "operator/base/base64.h"
#include "operator/base/sha256.h"

namespace penstock::http {

std::optional<std::string> WebhookSignature(std::string_view key, std::string_view id,
                                            std::int64_t seconds, std::string_view body) {
  constexpr std::string_view kPrefix = "whsec_";
  std::string bytes(key);
  if (key.starts_with(kPrefix)) {
    auto decoded = DecodeBase64(key.substr(kPrefix.size()));
    if (!decoded || decoded->empty()) return std::nullopt;
    bytes = *std::move(decoded);
  }
  std::string signed_text(id);
  signed_text += "." + std::to_string(seconds) + ".";
  signed_text += body;
  return "v1," + EncodeBase64(HmacSha256(bytes, signed_text));
}

}  // namespace penstock::http
