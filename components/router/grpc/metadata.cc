#include "components/router/grpc/metadata.h"

#include <grpc/grpc.h>
#include <grpc/slice.h>

#include <algorithm>
#include <array>
#include <string>

namespace penstock::router {
namespace {

// Status and details travel as a grpc::Status.
bool IsOfTheHop(std::string_view key) {
  static constexpr std::array<std::string_view, 6> kOwn = {
      "user-agent", "host", "te", "connection", "content-type", kVersionKey};
  return key.starts_with(':') || key.starts_with("grpc-") ||
         std::find(kOwn.begin(), kOwn.end(), key) != kOwn.end();
}

std::string_view View(const grpc::string_ref& text) { return {text.data(), text.size()}; }
std::string Text(const grpc::string_ref& text) { return {text.data(), text.size()}; }

// As gRPC's core judges what it is given to send; such a slice owns nothing.
bool MaySend(const grpc::string_ref& key, const grpc::string_ref& value) {
  const grpc_slice name = grpc_slice_from_static_buffer(key.data(), key.size());
  if (grpc_header_key_is_legal(name) == 0) return false;
  return grpc_is_binary_header(name) != 0 ||
         grpc_header_nonbin_value_is_legal(
             grpc_slice_from_static_buffer(value.data(), value.size())) != 0;
}

}  // namespace

std::optional<std::string> Unsendable(
    const std::multimap<grpc::string_ref, grpc::string_ref>& metadata) {
  for (const auto& [key, value] : metadata)
    if (!IsOfTheHop(View(key)) && !MaySend(key, value)) return Text(key);
  return std::nullopt;
}

void PassOn(const std::multimap<grpc::string_ref, grpc::string_ref>& from, bool without_token,
            grpc::ClientContext* to) {
  for (const auto& [key, value] : from) {
    if (IsOfTheHop(View(key)) || (without_token && View(key) == "authorization")) continue;
    if (MaySend(key, value)) to->AddMetadata(Text(key), Text(value));
  }
}

void PassHead(const grpc::ClientContext& from, std::int64_t version,
              grpc::CallbackServerContext* to) {
  for (const auto& [key, value] : from.GetServerInitialMetadata())
    if (!IsOfTheHop(View(key)) && MaySend(key, value))
      to->AddInitialMetadata(Text(key), Text(value));
  to->AddInitialMetadata(kVersionKey, std::to_string(version));
}

void PassTrailers(const grpc::ClientContext& from, grpc::CallbackServerContext* to) {
  for (const auto& [key, value] : from.GetServerTrailingMetadata())
    if (!IsOfTheHop(View(key)) && MaySend(key, value))
      to->AddTrailingMetadata(Text(key), Text(value));
}

}  // namespace penstock::router
