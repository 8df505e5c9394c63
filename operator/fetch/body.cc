#include "operator/fetch/body.h"

#include <charconv>

#include "operator/base/time.h"
#include "operator/base/try.h"
#include "operator/fetch/pace.h"

namespace penstock::fetch {
namespace {

constexpr std::chrono::milliseconds kIdle{60'000};
constexpr std::chrono::seconds kAnswer{120};  // of the head

}  // namespace

Result<net::HttpResponse> GetBody(
    net::HttpClient& client, net::HttpRequest request, const SourceSettings& settings,
    const std::function<Result<void>(const net::HttpResponse&)>& on_head, const Sink& sink) {
  Pace pace(settings.least_bytes, settings.least_in);
  request.repeatable = true;
  request.on_head = [&](const net::HttpResponse& head) -> Result<void> {
    pace.Begin();
    return on_head(head);
  };
  request.on_body = [&](std::string_view bytes) -> Result<bool> {
    PENSTOCK_TRY(sink(bytes));
    if (pace.Holds(bytes.size())) return true;
    return Transient("the store sends less than " + std::to_string(settings.least_bytes) +
                     " bytes in " + FormatDuration(settings.least_in));
  };
  return client.Send(request, {std::chrono::steady_clock::now() + kAnswer, kIdle, settings.stop});
}

bool ReadNumber(std::string_view text, std::uint64_t& number) {
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  return !text.empty() && read.ec == std::errc() && read.ptr == end;
}

bool ReadContentRange(std::string_view text, std::uint64_t& first, std::uint64_t& whole) {
  if (!text.starts_with("bytes ")) return false;
  text.remove_prefix(6);
  const std::size_t dash = text.find('-');
  const std::size_t slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash)
    return false;
  return ReadNumber(text.substr(0, dash), first) && ReadNumber(text.substr(slash + 1), whole);
}

}  // namespace penstock::fetch
