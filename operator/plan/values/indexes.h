// Which of many, as a status says it: "0-412,414". Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace penstock::plan {

[[nodiscard]] std::string FormatIndexes(const std::vector<std::size_t>& sorted);
// Numbers past `limit` are left out.
[[nodiscard]] std::vector<std::size_t> ParseIndexes(const std::string& text, std::size_t limit);

}  // namespace penstock::plan
