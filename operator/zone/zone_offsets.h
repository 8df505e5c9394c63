// What a zone's clock is ahead of UTC, by the machine's zoneinfo: TZif files of version 2 and later
// (RFC 8536), with the rule at their end for the years to come. Needs no library, so that a static
// program can. Value type; safe in all threads.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/result.h"
#include "operator/base/time.h"

namespace penstock {

class ZoneOffsets {
 public:
  ZoneOffsets() = default;  // UTC
  explicit ZoneOffsets(std::chrono::seconds ahead) : first_(ahead) {}

  // A file's bytes. Invalid for what is no such file, and for one that counts leap seconds.
  [[nodiscard]] static Result<ZoneOffsets> Parse(std::string_view file);

  // East of Greenwich above zero.
  [[nodiscard]] std::chrono::seconds At(TimePoint t) const;

 private:
  using Seconds = std::chrono::sys_seconds;
  struct Change {
    Seconds at;
    std::chrono::seconds offset;
  };
  // When a rule's clock changes: the day as POSIX's TZ writes it, and the time of that day.
  struct RuleDay {
    enum class Kind : std::uint8_t { kWeekday, kJulian, kZeroBased } kind = Kind::kWeekday;
    unsigned month = 1, week = 1, day = 0;
    std::chrono::seconds time{7200};
  };
  struct Rule {
    std::chrono::seconds standard{0};
    std::chrono::seconds summer{0};
    std::optional<std::pair<RuleDay, RuleDay>> days;  // none: standard for ever
  };
  class RuleReader;
  class FileReader;
  static Seconds At(const RuleDay& day, std::chrono::year year, std::chrono::seconds offset);
  static std::chrono::seconds At(const Rule& rule, Seconds t);

  std::chrono::seconds first_{0};  // before the first change
  std::vector<Change> changes_;    // ascending
  std::optional<Rule> rule_;       // from the last change on
};

// True of a text that may be a zone's name, such as Europe/Berlin. Pure.
[[nodiscard]] bool IsZoneName(std::string_view name);

// NotFound where the machine's zoneinfo does not have it, Invalid for what is no name.
[[nodiscard]] Result<ZoneOffsets> FindZoneOffsets(
    const std::string& name, const std::filesystem::path& zoneinfo = "/usr/share/zoneinfo");

}  // namespace penstock
