// A line of JSON Lines as its fields, each value as it is written. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operator/base/result.h"

namespace penstock::ingest {

struct JsonValue {
  enum class Kind : std::uint8_t { kNull, kBool, kInteger, kFloat, kText, kList, kObject };
  Kind kind = Kind::kNull;
  bool flag = false;
  std::int64_t integer = 0;
  bool beyond = false;  // an integer of more than 64 bits; `number` is near it
  double number = 0;
  std::string text = {};  // of a text; else what stands in the file
  std::vector<JsonValue> items = {};
};
[[nodiscard]] const char* Name(JsonValue::Kind kind);  // "a number with a fraction"

using JsonRow = std::vector<std::pair<std::string, JsonValue>>;

// Invalid says the byte where it breaks. An object within is kept as kObject, without what is in
// it.
[[nodiscard]] Result<JsonRow> ParseJsonRow(std::string_view line);

}  // namespace penstock::ingest
