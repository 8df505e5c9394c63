#include "components/router/grpc/metadata.h"

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

}  // namespace

void PassOn(const std::multimap<grpc::string_ref, grpc::string_ref>& from, bool without_token,
            grpc::ClientContext* to) {
  for (const auto& [key, value] : from) {
    if (IsOfTheHop(View(key)) || (without_token && View(key) == "authorization")) continue;
    to->AddMetadata(Text(key), Text(value));
  }
}

void PassHead(const grpc::ClientContext& from, std::int64_t version,
              grpc::CallbackServerContext* to) {
  for (const auto& [key, value] : from.GetServerInitialMetadata())
    if (!IsOfTheHop(View(key))) to->AddInitialMetadata(Text(key), Text(value));
  to->AddInitialMetadata(kVersionKey, std::to_string(version));
}

void PassTrailers(const grpc::ClientContext& from, grpc::CallbackServerContext* to) {
  for (const auto& [key, value] : from.GetServerTrailingMetadata())
    if (!IsOfTheHop(View(key))) to->AddTrailingMetadata(Text(key), Text(value));
}

}  // namespace penstock::router
