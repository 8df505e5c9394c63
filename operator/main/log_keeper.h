// The logs of steps outlive their pods: when a run has ended, what each attempt wrote is read from
// the API server once and its end kept beside the artifacts. One thread, while this process leads.
#pragma once

#include <stop_token>

#include "operator/artifacts/logs/log_store.h"
#include "operator/kube/client.h"
#include "operator/metadata/query.h"
#include "operator/runtime/log.h"

namespace penstock::main {

inline constexpr std::chrono::hours kLogRetention{24 * 30};
inline constexpr std::chrono::hours kLateLogs{24 * 7};  // after a run's end: then nobody asks more

// Of the items of loops, which may be thousands: so many a run, those that failed first, and the
// last so many bytes of each.
inline constexpr int kItemLogs = 500;
inline constexpr std::uint64_t kItemLogBytes = 64ULL << 10;

// Keeps the logs of the run's attempts that are not kept yet; how many it kept. A pod that is gone
// has none any more. The first error that passes by itself is given once all were asked for: the
// run is to be tried again, as it is while a container of its steps runs on.
[[nodiscard]] Result<int> KeepLogsOf(kube::Client& client, const metadata::Query& history,
                                     const artifacts::LogStore& store,
                                     const metadata::RunRecord& run, const std::stop_token& stop);

// Whether the run has ended, and not so long ago that its logs are kept or gone: a restart asks for
// the pods of no run of the past.
[[nodiscard]] bool MayHaveLogs(const metadata::RunRecord& run, TimePoint now);

// Follows the database until stopped; removes logs that are older than kLogRetention.
void KeepLogs(kube::Client& client, const metadata::Query& history,
              const artifacts::LogStore& store, const runtime::Log& log,
              const std::stop_token& stop);

}  // namespace penstock::main
