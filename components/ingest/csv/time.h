// Dates and times as a CSV writes them: those of RFC 3339, with a blank for the T, without seconds
// or zone too. What microseconds do not hold (more digits, second 60) is none. A pure function.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::ingest {

enum class TimeForm : std::uint8_t { kDate, kLocal, kZoned };

struct Time {
  TimeForm form = TimeForm::kDate;
  std::int64_t micros = 0;  // since 1970, UTC
};

[[nodiscard]] std::optional<Time> ParseTime(std::string_view text);

}  // namespace penstock::ingest
