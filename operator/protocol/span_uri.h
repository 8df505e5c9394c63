// Spans of time in a store of objects: the last days or hours of what is written by date.
//
//   s3://lake/orders/{YYYY}/{MM}/{DD}/?window=7d
//   az://raw/clicks/dt={YYYY}-{MM}-{DD}/{HH}/part-*.parquet?window=24h&zone=+09:00&gaps=allow
//   webhdfs:///logs/{YYYY}{MM}{DD}.jsonl?window=1d&to=2026-01-08
//   file:///data/orders/{YYYY}/{MM}/{DD}/?window=7d&zone=Europe/Berlin&column=day
//
// {YYYY}, {MM}, {DD}, {HH} are digits of the zone's calendar and clock, * is any characters but /,
// and a / at the end means all objects below. What a key has otherwise stands as in any URI.
//
// Spans are what a clock on the wall has shown: an hour that it leaves out in spring is none, one
// that it shows twice in autumn is one span, which ends when the clock leaves it the second time.
//
// Pure, but for ClockOf, which reads the machine's zoneinfo.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time.h"
#include "operator/zone/zone_offsets.h"

namespace penstock {

// Where a span begins, by the clock of its zone.
using SpanTime = std::chrono::sys_time<std::chrono::hours>;

struct SpanPart {
  enum class Kind : std::uint8_t { kText, kYear, kMonth, kDay, kHour, kAny };
  Kind kind = Kind::kText;
  std::string text = {};  // of kText, as a key has it
};

inline constexpr int kMostSpans = 10'000;  // of one window

struct SpanUri {
  std::string place;            // "s3://lake/": the store's root as a URI of its own
  std::vector<SpanPart> parts;  // of a key
  bool folder = false;          // all objects that go on behind the parts
  bool hourly = false;          // else daily
  int window = 0;               // how many spans: 1 to kMostSpans
  std::string zone = "UTC";     // "UTC", "+09:00" or "Europe/Berlin"
  std::optional<std::chrono::minutes> ahead = std::chrono::minutes{0};  // none: of a name
  std::optional<TimePoint> to = {};     // the window ends with the last span that has ended by then
  std::optional<SpanTime> before = {};  // or with the one before this midnight of the zone
  bool gaps = false;                    // a span without an object is no error
  std::string column = {};              // of a table, the one that has when a row's span begins
};

// True for a URI of a store whose key has one of the words above in braces, or one that somebody
// may have meant for it, or whose query has a window.
[[nodiscard]] bool IsSpanUri(const std::string& uri);
// Invalid for anything else than the above, and says what is meant. Shows no query.
[[nodiscard]] Result<SpanUri> ParseSpanUri(const std::string& uri);
// The same URI where it says where its window ends, or is none of spans, or where `to` is not known
// (TimePoint{}); else with `to`.
[[nodiscard]] std::string WithWindowEnd(const std::string& uri, TimePoint to);

// What the zone's clock is ahead of UTC. Invalid where the zone is a name that the machine does
// not know.
[[nodiscard]] Result<ZoneOffsets> ClockOf(const SpanUri& uri);

// The spans of the window, the earliest first; `now` counts where the URI says no end.
[[nodiscard]] std::vector<SpanTime> SpansOf(const SpanUri& uri, const ZoneOffsets& clock,
                                            TimePoint now);
// When a span begins; of an hour that the clock shows twice the first time.
[[nodiscard]] TimePoint BeginOf(SpanTime span, const ZoneOffsets& clock);
// "2026-01-08", or "2026-01-08T13" where spans are hours.
[[nodiscard]] std::string SpanName(const SpanUri& uri, SpanTime span);

// How the keys of a span begin: all up to the first *.
[[nodiscard]] std::string SpanPrefix(const SpanUri& uri, SpanTime span);
// What all keys have in common: up to the last / before the first part that is no text.
[[nodiscard]] std::string CommonFolder(const SpanUri& uri);
// True where one of the names between the /s of such a key begins with . or _, of those that
// begin with a * of the pattern or go on behind it: what writers call by such names is no data.
[[nodiscard]] bool IsHiddenKey(const SpanUri& uri, std::string_view key);
// Whose a key is; none: it has another form, or names no hour that there is.
[[nodiscard]] std::optional<SpanTime> SpanOfKey(const SpanUri& uri, std::string_view key);

}  // namespace penstock
