#include "operator/gateway/signature.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "operator/base/base64.h"
#include "operator/base/sha256.h"

namespace penstock::gateway {
namespace {

constexpr std::string_view kStandardKey = "whsec_";
constexpr std::string_view kHubForm = "sha256=";
constexpr std::string_view kStandardForm = "v1,";
constexpr std::size_t kMostIdBytes = 256;
constexpr std::size_t kMostSignatures = 16;  // a sender that changes its key sends two

// Takes as long for any bytes of one length; that is no secret.
bool AreEqual(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Files often end with a line break that nobody meant to be part of the key.
std::string_view Trimmed(std::string_view key) {
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.remove_suffix(1);
  return key;
}

// The bytes of a key of Standard Webhooks; nothing of another, and of one that is no base64.
std::optional<std::string> StandardKey(std::string_view key) {
  if (!key.starts_with(kStandardKey)) return std::nullopt;
  return DecodeBase64(key.substr(kStandardKey.size()));
}

std::optional<std::string> FromHex(std::string_view hex) {
  if (hex.size() != 64) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned byte = 0;
    const auto parsed = std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != hex.data() + i + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

std::string TroubleOfId(const std::string& id, const char* header) {
  const bool plain = std::all_of(id.begin(), id.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!id.empty() && id.size() <= kMostIdBytes && plain) return "";
  return std::string(header) + (id.empty() ? " is missing" : " is no id") +
         ": each delivery must have one of its own, of at most 256 visible characters";
}

SignatureVerdict VerifyHub(std::string_view key, const HeaderOf& header, std::string_view body) {
  const std::string given = header(kHubSignature);
  SignatureVerdict verdict;
  const std::string made = HmacSha256(key, body);
  if (!given.starts_with(kHubForm)) return verdict;
  const auto bytes = FromHex(std::string_view(given).substr(kHubForm.size()));
  verdict.fits = bytes && AreEqual(*bytes, made);
  if (!verdict.fits) return verdict;
  verdict.delivery = header("X-GitHub-Delivery");
  verdict.trouble = TroubleOfId(verdict.delivery, "X-GitHub-Delivery");
  return verdict;
}

bool AnyFits(std::string_view signatures, std::string_view made) {
  std::size_t looked_at = 0;
  while (!signatures.empty() && looked_at++ < kMostSignatures) {
    const std::size_t end = std::min(signatures.find(' '), signatures.size());
    const std::string_view one = signatures.substr(0, end);
    signatures.remove_prefix(std::min(end + 1, signatures.size()));
    if (!one.starts_with(kStandardForm)) continue;  // v1a is of asymmetric keys
    const auto bytes = DecodeBase64(one.substr(kStandardForm.size()));
    if (bytes && AreEqual(*bytes, made)) return true;
  }
  return false;
}

std::string TroubleOfTime(const std::string& text, TimePoint now) {
  std::int64_t seconds = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, seconds);
  // Within what a TimePoint holds.
  const bool is_number =
      parsed.ec == std::errc{} && parsed.ptr == end && seconds >= 0 && seconds < 9'000'000'000;
  if (!is_number) return "webhook-timestamp is not a number of seconds since 1970";
  const TimePoint signed_at{std::chrono::seconds(seconds)};
  if (signed_at >= now - kSignedAgo && signed_at <= now + kSignedAgo) return "";
  return "webhook-timestamp is " + FormatTime(signed_at) + ", more than 5 minutes from " +
         FormatTime(now) + ", this clock's time";
}

SignatureVerdict VerifyStandard(std::string_view key, const HeaderOf& header, std::string_view body,
                                TimePoint now) {
  SignatureVerdict verdict;
  verdict.delivery = header("webhook-id");
  const std::string time = header("webhook-timestamp");
  const std::string signed_text = verdict.delivery + "." + time + "." + std::string(body);
  verdict.fits = AnyFits(header(kStandardSignature), HmacSha256(key, signed_text));
  if (!verdict.fits) return {};
  verdict.trouble = TroubleOfId(verdict.delivery, "webhook-id");
  if (verdict.trouble.empty()) verdict.trouble = TroubleOfTime(time, now);
  return verdict;
}

}  // namespace

std::string TroubleOfKey(std::string_view key) {
  key = Trimmed(key);
  const bool standard = key.starts_with(kStandardKey);
  const auto bytes = standard ? StandardKey(key) : std::string(key);
  if (!bytes) return "what stands behind whsec_ is no base64";
  if (bytes->size() >= kLeastKeyBytes) return "";
  return "it has " + std::to_string(bytes->size()) + " bytes, and must have at least " +
         std::to_string(kLeastKeyBytes);
}

SignatureVerdict Verify(std::string_view key, const HeaderOf& header, std::string_view body,
                        TimePoint now) {
  if (!TroubleOfKey(key).empty()) return {};
  key = Trimmed(key);
  if (const auto standard = StandardKey(key)) return VerifyStandard(*standard, header, body, now);
  return VerifyHub(key, header, body);
}

}  // namespace penstock::gateway
