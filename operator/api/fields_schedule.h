// The fields of schedules and triggers. See fields.h.
#pragma once

#include <algorithm>
#include <array>

#include "operator/api/fields.h"
#include "operator/api/schedule.h"

namespace penstock::api {

inline constexpr std::array<Named<DaylightSaving>, 3> kDaylightSavings{
    {{DaylightSaving::kFireAfterGap, "FireAfterGap"},
     {DaylightSaving::kSkip, "Skip"},
     {DaylightSaving::kEveryMatch, "EveryMatch"}}};
inline constexpr std::array<Named<MissedPolicy>, 3> kMissedPolicies{
    {{MissedPolicy::kSkip, "Skip"}, {MissedPolicy::kLast, "Last"}, {MissedPolicy::kAll, "All"}}};
inline constexpr std::size_t kMaxSchedules = 50;
inline constexpr std::size_t kMaxTriggers = 20;
inline constexpr Text kCronText{256, nullptr, true};
inline constexpr Text kFollowedOutput{40, kIdentifierName.format};
inline constexpr std::size_t kMaxDeliveries = 100;  // that a status remembers of a webhook

template <typename Io>
void Fields(Io& io, typename Io::template Of<ScheduleSpec>& s) {
  io.String("name", s.name, kLabelName);
  io.String("cron", s.cron, kCronText);
  io.String("timeZone", s.time_zone, {64});
  io.Enum("daylightSaving", s.daylight_saving, kDaylightSavings, DaylightSaving::kFireAfterGap);
  io.ValueMap("parameters", s.parameters, 200, kIdentifierName);
  io.Bool("suspend", s.suspend, false);
  io.Duration("finishWithin", s.finish_within);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<FreshnessSpec>& f) {
  io.Duration("maxAge", f.max_age);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<SchedulePolicy>& p) {
  io.Enum("missed", p.missed, kMissedPolicies, MissedPolicy::kLast);
  io.Duration("startingDeadline", p.starting_deadline);
  if constexpr (Io::kReads)
    io.Check(p.missed != MissedPolicy::kSkip || !p.starting_deadline, "",
             "startingDeadline says how late a missed time may start, and missed: Skip starts "
             "none: leave one of them out");
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<FinishedTtl>& t) {
  io.Duration("succeeded", t.succeeded);
  io.Duration("failed", t.failed);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<WebhookSpec>& w) {
  io.String("name", w.name, kLabelName);
  io.Group(
      "secretRef",
      [&](auto& s) {
        s.String("name", w.secret, kRequiredObjectName);
        s.String("key", w.key, {253});
      },
      true);
  io.ValueMap("parameters", w.parameters, 200, kIdentifierName);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<TriggerSpec>& t) {
  io.String("pipeline", t.pipeline, {52});
  io.String("output", t.output, kFollowedOutput);
  io.String("source", t.source, {4096});
  io.Duration("interval", t.interval, Milliseconds{300'000});
  io.Optional("webhook", t.webhook);
  io.Duration("debounce", t.debounce);
  if constexpr (Io::kReads) {
    const std::array said{!t.pipeline.empty(), !t.source.empty(), t.webhook.has_value()};
    io.Check(
        t.pipeline.empty() == t.output.empty() && std::count(said.begin(), said.end(), true) == 1,
        "", "a trigger is one of an output (pipeline and output), a source and a webhook");
  }
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<ScheduleStatus>& s) {
  io.String("name", s.name, kLabelName);
  io.String("rule", s.rule, {400});
  io.Time("settledTime", s.settled);
  io.Bool("suspended", s.suspended, false);
  io.Time("lastScheduleTime", s.last);
  io.Time("nextScheduleTime", s.next);
  io.Time("watchedFromTime", s.watched);
  io.Time("lastSucceededTime", s.last_succeeded);
}

template <typename Io>
void Fields(Io& io, typename Io::template Of<TriggerStatus>& t) {
  io.String("pipeline", t.pipeline, {52});
  io.String("output", t.output, kFollowedOutput);
  io.String("source", t.source, {4096});
  io.String("settled", t.settled, {71, &kDigest});
  io.String("seen", t.seen, {71, &kDigest});
  io.Time("since", t.since);
  io.String("webhook", t.webhook, {40});
  io.StringList("deliveries", t.deliveries, kMaxDeliveries, {64});
}

}  // namespace penstock::api
