// Text tables as kubectl prints them: columns as wide as their widest cell, three spaces between
// (two or one where 80 columns would not hold them). Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "operator/base/time.h"

namespace penstock::cli {

struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;
};

// Lines with "\n". A line of text that would end in spaces does not. `header` false leaves it out.
[[nodiscard]] std::string Format(const Table& table, std::size_t width = 80, bool header = true);

// kubectl's ages: 45s, 5m30s, 2h, 3d4h, 12d.
[[nodiscard]] std::string HumanDuration(std::chrono::milliseconds d);
// Steps' times: 0.4s, 12.3s, 3m5s, 1h2m.
[[nodiscard]] std::string ShortDuration(std::chrono::milliseconds d);
// 512 B, 5.3 MB.
[[nodiscard]] std::string HumanBytes(std::uint64_t bytes);

// Cuts at `width` characters (UTF-8 aware), the last one "…".
[[nodiscard]] std::string Elide(const std::string& text, std::size_t width);
// How many columns of a terminal the text takes, one a code point.
[[nodiscard]] std::size_t Columns(const std::string& text);
// Control characters out, so that nobody's message can drive the terminal; newlines become "; ".
[[nodiscard]] std::string OneLine(const std::string& text);

}  // namespace penstock::cli
