// When a Pipeline runs without being changed: by the clock, by what another Pipeline gave, or by
// what somebody tells it. Shapes only; what they mean stands in crds/, operator/plan/schedule and
// operator/plan/pipeline. Value types.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/time.h"

namespace penstock::api {

// What becomes of a time of day that a change of the clock leaves out, or brings twice.
enum class DaylightSaving : std::uint8_t {
  kFireAfterGap,  // left out: the first instant after it; twice: the first
  kSkip,          // left out: never; twice: the first
  kEveryMatch,    // left out: never; twice: both
};

struct ScheduleSpec {
  std::string name;
  std::string cron;       // plan/schedule/cron.h
  std::string time_zone;  // IANA name; empty: UTC
  DaylightSaving daylight_saving = DaylightSaving::kFireAfterGap;
  std::map<std::string, Json> parameters;  // of its runs; strings may hold $(run.scheduledTime)
  bool suspend = false;
  std::optional<Milliseconds> finish_within;  // after each time its run must have succeeded
};

// What becomes of times that passed while nothing could start.
enum class MissedPolicy : std::uint8_t { kSkip, kLast, kAll };

struct SchedulePolicy {
  MissedPolicy missed = MissedPolicy::kLast;
  std::optional<Milliseconds> starting_deadline;  // a time older than that is left out
};

// How old what a Pipeline made may become before it is told.
struct FreshnessSpec {
  std::optional<Milliseconds> max_age;  // since the end of the last run that succeeded
  bool operator==(const FreshnessSpec&) const = default;
};

// How long after its end a run that the controller made is deleted; never where absent.
struct FinishedTtl {
  std::optional<Milliseconds> succeeded;
  std::optional<Milliseconds> failed;
};

// Signed deliveries to the gateway, at /hooks/NAMESPACE/PIPELINE/NAME.
struct WebhookSpec {
  std::string name;
  std::string secret;                      // JSON: secretRef: {name, key}
  std::string key;                         // what deliveries are signed with; empty: "secret"
  std::map<std::string, Json> parameters;  // of its runs; strings may hold $(body.field)
};

// One of an output of another Pipeline, a source and a webhook.
struct TriggerSpec {
  std::string pipeline;
  std::string output;
  std::string source;              // a URI whose fingerprint is asked for
  Milliseconds interval{300'000};  // so often
  std::optional<WebhookSpec> webhook;
  std::optional<Milliseconds> debounce;  // what is new must have stood for so long
};

struct ScheduleStatus {
  std::string name;
  std::string rule;                  // cron, zone and daylightSaving that the times are of
  std::optional<TimePoint> settled;  // times up to this one are done with: run, or left out
  bool suspended = false;            // when the operator looked last
  std::optional<TimePoint> last;     // the last time that has a run
  std::optional<TimePoint> next;     // the next one, unless suspended
  // Where finishWithin is said: since when it counts, and the last time whose run has succeeded.
  std::optional<TimePoint> watched, last_succeeded;
  bool operator==(const ScheduleStatus&) const = default;
};

struct TriggerStatus {
  std::string pipeline;
  std::string output;
  std::string source;
  // Digest of an artifact, or of a source's fingerprint.
  std::string settled;             // it has had its run, or stood when first looked
  std::string seen;                // another one that waits
  std::optional<TimePoint> since;  // since when
  // Of a webhook its name, and the deliveries that were taken, as DeliveryHash names them, the
  // oldest first.
  std::string webhook;
  std::vector<std::string> deliveries{};
  bool operator==(const TriggerStatus&) const = default;
};

}  // namespace penstock::api
