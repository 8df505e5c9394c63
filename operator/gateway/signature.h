// Who has sent a delivery: its signature, held against the key that sender and trigger share. Pure.
//
// Two forms, and the key says which is taken, so that what is signed for one is never read as the
// other:
//   "whsec_<base64>"   Standard Webhooks: webhook-id, webhook-timestamp, webhook-signature, over
//                      "id.timestamp.body" (github.com/standard-webhooks/standard-webhooks)
//   any other text     GitHub's: X-Hub-Signature-256 over the body, X-GitHub-Delivery beside it
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "operator/base/result.h"
#include "operator/base/time.h"

namespace penstock::gateway {

inline constexpr std::size_t kLeastKeyBytes = 16;
inline constexpr std::chrono::minutes kSignedAgo{5};  // or ahead, at most

// The headers of which a delivery has one.
inline constexpr const char* kHubSignature = "X-Hub-Signature-256";
inline constexpr const char* kStandardSignature = "webhook-signature";

// A header's value by its name; "" when it is absent.
using HeaderOf = std::function<std::string(const std::string& name)>;

struct SignatureVerdict {
  bool fits = false;     // nothing else may be told to a caller whose signature does not fit
  std::string trouble;   // of one that does: why the delivery is not taken all the same
  std::string delivery;  // its id, as the sender names it
};

// What is wrong with a key, as its Secret has it; empty: nothing.
[[nodiscard]] std::string TroubleOfKey(std::string_view key);

[[nodiscard]] SignatureVerdict Verify(std::string_view key, const HeaderOf& header,
                                      std::string_view body, TimePoint now);

}  // namespace penstock::gateway
