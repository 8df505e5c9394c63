// Recorded requests with their answers, as V2 has both, and whether two answers are the same. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::rollouts {

inline constexpr std::size_t kMostRows = 1'000;

struct RecordedRow {
  int line = 0;         // in its text, from 1
  std::string request;  // {"inputs": [...]}, as it is sent
  Json outputs;         // of its response; null: none is recorded
};

// JSON Lines of {"request": {"inputs": [...]}, "response": {"outputs": [...]}}. `with_answers`:
// each must have a response. Invalid names the first line that is no such row, and what to write.
[[nodiscard]] Result<std::vector<RecordedRow>> ParseRows(std::string_view text, bool with_answers);

// The outputs of an answer of V2. Invalid where it is none, or binary.
[[nodiscard]] Result<Json> OutputsOf(std::string_view answer);

// The first value in which `got` is otherwise than `expected`: "output "y"[3]: expected 0.5, got
// 0.7". Each output of `expected` must be there, with the same datatype and shape as far as it
// tells them; more are no difference. Two numbers differ where they are apart by more than
// tolerance * max(1, |expected|); of anything else, the value. Without a tolerance that is
// api::kRowsTolerance, and whole numbers (datatype INT*, UINT*; of no datatype, two of JSON's
// integers) differ where they are not the same.
[[nodiscard]] std::optional<std::string> DifferenceIn(const Json& expected, const Json& got,
                                                      std::optional<double> tolerance);

}  // namespace penstock::rollouts
