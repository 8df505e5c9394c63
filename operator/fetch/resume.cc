#include "operator/fetch/resume.h"

#include <algorithm>
#include <optional>
#include <random>

#include "operator/base/pause.h"

namespace penstock::fetch {
namespace {

constexpr std::chrono::milliseconds kLongestPause{5'000};

// False where it was stopped meanwhile.
bool Wait(const SourceSettings& settings, int failures, const Error& error) {
  auto pause = std::min(settings.first_pause * (1 << std::min(failures - 1, 10)), kLongestPause);
  // With jitter, so that steps do not come back all at once.
  std::mt19937_64 random{std::random_device{}()};
  pause = std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(pause.count() / 2, pause.count())(random));
  if (error.retry_after) pause = std::max(pause, std::min(*error.retry_after, 6 * kLongestPause));
  return Pause(pause, settings.stop);
}

}  // namespace

Result<void> Resume(const SourceSettings& settings, const Sink& sink,
                    const std::function<Result<void>(std::uint64_t, const Sink&)>& once) {
  std::uint64_t offset = 0;
  std::optional<Error> sunk;
  const Sink take = [&](std::string_view bytes) -> Result<void> {
    offset += bytes.size();
    auto taken = sink(bytes);
    if (!taken) sunk = taken.error();
    return taken;
  };
  std::uint64_t before = 0;
  for (int failures = 1;; ++failures) {
    auto done = once(offset, take);
    if (sunk) return *sunk;
    if (done) return done;
    if (offset - before >= std::max<std::uint64_t>(settings.least_bytes, 1)) {
      failures = 1;
      before = offset;
    }
    const Error error = done.error();
    if (!PassesByItself(error.kind) || failures >= kTries) return error;
    if (!Wait(settings, failures, error)) return Cancelled("stopped");
  }
}

Result<void> Again(const SourceSettings& settings, const std::function<Result<void>()>& once) {
  for (int failures = 1;; ++failures) {
    auto done = once();
    if (done || !PassesByItself(done.error().kind) || failures >= kTries) return done;
    if (!Wait(settings, failures, done.error())) return Cancelled("stopped");
  }
}

}  // namespace penstock::fetch
