#include "operator/kube/status_error.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "operator/base/json_member.h"

namespace penstock::kube {
namespace {

constexpr int kMostSeconds = 24 * 3600;  // that an answer may ask to wait

std::string Text(const Json& value) { return value.is_string() ? value.get<std::string>() : ""; }

// Whether a 403 is the quota plugin's (k8s.io/apiserver, admission/plugin/resourcequota). It says
// Forbidden, but passes when others finish or the quota is raised; only its words tell.
bool IsOfQuota(const std::string& message) {
  for (const char* words : {"exceeded quota: ", "failed quota: ", "insufficient quota to match"})
    if (message.find(words) != std::string::npos) return true;
  return false;
}

bool Contains(const std::string& text, const char* words) {
  return text.find(words) != std::string::npos;
}

// What an admission webhook has to do with it: its status is its own affair (a refusal may say
// 500), and one that cannot be asked is a 500 as any other (k8s.io/apiserver,
// admission/plugin/webhook).
std::optional<ErrorKind> KindOfWebhook(int status, const std::string& message) {
  if (status < 400) return std::nullopt;
  if (Contains(message, "admission webhook \"") && Contains(message, " denied the request"))
    return ErrorKind::kForbidden;
  if (Contains(message, "failed calling webhook \"")) return ErrorKind::kWebhook;
  return std::nullopt;
}

ErrorKind KindOf(int status, const std::string& reason, const Json& body) {
  if (const auto kind = KindOfWebhook(status, Text(Member(body, "message")))) return *kind;
  switch (status) {
    case 401:
      return ErrorKind::kForbidden;
    case 403:
      return IsOfQuota(Text(Member(body, "message"))) ? ErrorKind::kQuota : ErrorKind::kForbidden;
    case 404:
      return ErrorKind::kNotFound;
    case 409:
      if (reason == "AlreadyExists") return ErrorKind::kAlreadyExists;
      return Text(Member(Member(body, "details"), "kind")) == "resourcequotas"
                 ? ErrorKind::kTransient  // a race for its counters, not its end
                 : ErrorKind::kConflict;
    case 410:
      return ErrorKind::kExpired;
    case 408:
    case 425:
      return ErrorKind::kTransient;
    case 429:
      return ErrorKind::kOverloaded;
    default:
      break;
  }
  if (status >= 500 && status <= 599) return ErrorKind::kTransient;
  if (status >= 400 && status <= 499) return ErrorKind::kInvalid;
  return ErrorKind::kInternal;
}

Error Build(const std::string& what, int status, const Json& body, const std::string& raw) {
  Error e;
  e.kind = KindOf(status, Text(Member(body, "reason")), body);
  std::string message = Text(Member(body, "message"));
  if (message.empty()) message = raw.substr(0, 200);
  e.message = what + ": " + (message.empty() ? "no message" : message) + " (HTTP " +
              std::to_string(status) + ")";
  const Json& seconds = Member(Member(body, "details"), "retryAfterSeconds");
  if (seconds.is_number_integer() && Clamped(seconds, 0, kMostSeconds) > 0)
    e.retry_after = std::chrono::seconds(Clamped(seconds, 0, kMostSeconds));
  return e;
}

}  // namespace

Error ErrorFromAnswer(const std::string& what, int http_status, const std::string& body,
                      std::string_view retry_after) {
  const Json parsed = ParseJson(body, "the answer").value_or(Json());
  Error e = Build(what, http_status, parsed, body);
  int seconds = 0;
  const char* end = retry_after.data() + retry_after.size();
  const auto [rest, ec] = std::from_chars(retry_after.data(), end, seconds);
  if (ec == std::errc{} && rest == end && seconds >= 0) {
    e.retry_after = std::chrono::seconds(std::min<std::int64_t>(seconds, kMostSeconds));
  }
  return e;
}

Error ErrorFromStatus(const std::string& what, const Json& status) {
  const Json& code = Member(status, "code");
  return Build(what, code.is_number_integer() ? Clamped(code, 0, 999) : 0, status, "");
}

}  // namespace penstock::kube
