#include "operator/s3/probe.h"

#include <optional>
#include <random>
#include <string_view>
#include <utility>

#include "operator/base/base64.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"
#include "operator/s3/crc32c.h"

namespace penstock::s3 {
namespace {

constexpr std::string_view kText = "penstock looks what this store keeps\n";
constexpr std::string_view kOther = "and this is another\n";

// 32 bytes of 64 hex digits.
std::string Bytes(const std::string& hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  return out;
}

std::string RandomName() {
  std::random_device random;
  return Sha256Hex(std::to_string(random()) + "/" + std::to_string(random())).substr(0, 20);
}

// As what the store refused it; nothing where it took it. An error where it could not be asked.
Result<std::optional<ErrorKind>> RefusedAs(const Client& client, const std::string& key,
                                           std::string_view text, const Client::PutOptions& options,
                                           const std::stop_token& stop) {
  Body body = BodyOf(text);
  body.sha256.clear();  // the header in question alone is to be held against the bytes
  const auto put = client.Put(key, body, options, stop);
  if (put) return std::optional<ErrorKind>();
  switch (put.error().kind) {
    case ErrorKind::kAlreadyExists:
    case ErrorKind::kDamaged:
    case ErrorKind::kInvalid:
      return std::optional(put.error().kind);
    default:
      return put.error();
  }
}

Result<Abilities> Ask(const Client& client, const std::string& key, const std::stop_token& stop) {
  Abilities can;
  Crc32c crc;
  crc.Update(kText);
  Client::PutOptions first;
  first.headers = {{"x-amz-checksum-crc32c", crc.Base64()}};
  const auto put = client.Put(key, BodyOf(kText), first, stop);
  if (!put && put.error().kind != ErrorKind::kInvalid) return put.error();
  if (!put) {
    // A store that refuses what it does not know: then without it, and that is an error.
    if (const auto plain = client.Put(key, BodyOf(kText), {}, stop); !plain) return plain.error();
  }
  const auto head = client.Head(key, stop);
  if (!head) return head.error();
  can.keeps_crc32c = put && head->crc32c == crc.Base64();

  Client::PutOptions only_new;
  only_new.only_new = true;
  // A header that is refused for itself is no promise: every put would be refused.
  PENSTOCK_ASSIGN(const auto kept, RefusedAs(client, key, kOther, only_new, stop));
  const auto text = client.GetText(key, 1024, stop);
  if (!text) return text.error();
  can.conditional_put = kept == ErrorKind::kAlreadyExists && *text == kText;

  Client::PutOptions summed;
  summed.headers = {{"x-amz-checksum-sha256", EncodeBase64(Bytes(Sha256Hex(kText)))}};
  PENSTOCK_ASSIGN(const auto right, RefusedAs(client, key, kText, summed, stop));
  PENSTOCK_ASSIGN(const auto wrong, RefusedAs(client, key, kOther, summed, stop));
  can.checks_sha256 = !right && wrong;
  return can;
}

}  // namespace

Result<Abilities> Probe(const Client& client, const std::string& prefix, std::stop_token stop) {
  const std::string key = prefix + ".penstock-probe-" + RandomName();
  auto can = Ask(client, key, stop);
  const auto removed = client.Delete(key, stop);
  if (can && !removed) return removed.error();
  return can;
}

}  // namespace penstock::s3
