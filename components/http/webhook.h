// The signature of a webhook, by Standard Webhooks (standardwebhooks/standard-webhooks,
// spec/standard-webhooks.md, "Signature scheme"). Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::http {

// The value of the header `webhook-signature`: "v1," and the base64 of the HMAC with SHA-256 of
// "<id>.<seconds>.<body>". A key "whsec_<base64>" is those bytes, any other the text itself;
// nothing where what follows "whsec_" is no base64, or nothing at all.
[[nodiscard]] std::optional<std::string> WebhookSignature(std::string_view key, std::string_view id,
                                                          std::int64_t seconds,
                                                          std::string_view body);

}  // namespace penstock::http
