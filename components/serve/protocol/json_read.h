// Small readings of simdjson's on-demand values, each with the words for what is wrong. Internal to
// the decoders: included by their .cc files only.
#pragma once

#include <simdjson.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "components/serve/engine/model_names.h"

namespace penstock::serve {

// Why reading stopped: text for the client, of the value that was read, or of the body as a whole
// (it is no JSON), where no value's name helps.
struct BadValue {
  BadValue(std::string what, bool body = false) : text(std::move(what)), of_body(body) {}  // NOLINT
  BadValue(const char* what) : text(what) {}                                               // NOLINT
  std::string text;
  bool of_body = false;
};
using Complaint = std::optional<BadValue>;

// Of an integer that is written as 9007199254740993.0 or 1e17.
inline constexpr const char* kWholeWithPoint =
    "is 2^53 or beyond and written with a point or an exponent, which may have rounded it; write "
    "its digits";

inline constexpr int kMaxJsonDepth = 64;
inline constexpr std::size_t kMaxRank = 16;
// A parser keeps its buffers; above this they are given back after the request.
inline constexpr std::size_t kKeptCapacity = 1U << 20;

// Of the body.
[[nodiscard]] BadValue Explain(simdjson::error_code error);

// Consumes a value nobody asked for, so that what is wrong inside it is still refused.
[[nodiscard]] Complaint Skip(simdjson::ondemand::value value, int depth);

[[nodiscard]] Complaint ReadString(simdjson::ondemand::value value, const std::string& what,
                                   std::string* out);
[[nodiscard]] Complaint ReadShape(simdjson::ondemand::value value, Shape* shape);

// One of the protocol's parameters: a string, a number or a boolean, never anything nested.
struct Parameter {
  std::string_view name;
  std::optional<bool> truth;
  std::optional<std::int64_t> integer;
  std::optional<std::string_view> text;
};
// Calls take(Parameter) -> Complaint for each; refuses what is no parameter.
template <typename F>
[[nodiscard]] Complaint ReadParameters(simdjson::ondemand::value value, const std::string& where,
                                       F take);

// The same number as the digits that it was written with ("9007199254740993" is not)? Digits only,
// a sign before them; what has a point or an exponent is always.
[[nodiscard]] bool SaysItsDigits(double number, std::string_view written);
// Is it whole, and no double? "18446744073709551615", "-9223372036854775809".
[[nodiscard]] bool IsWhole(std::string_view written);

// Runs `read` and marks the key as seen; a key that comes twice is refused.
template <typename F>
Complaint Once(bool* seen, std::string_view key, F read) {
  if (std::exchange(*seen, true)) return "'" + std::string(key) + "' is given twice";
  return read();
}

[[nodiscard]] Complaint ReadParameterValue(simdjson::ondemand::value value, Parameter* parameter);

template <typename F>
Complaint ReadParameters(simdjson::ondemand::value value, const std::string& where, F take) {
  simdjson::ondemand::object object;
  if (value.get_object().get(object) != simdjson::SUCCESS)
    return where + "'parameters' must be an object";
  for (auto field : object) {
    Parameter parameter;
    simdjson::ondemand::value inner;
    if (auto error = field.unescaped_key().get(parameter.name)) return Explain(error);
    if (auto error = field.value().get(inner)) return Explain(error);
    auto complaint = ReadParameterValue(inner, &parameter);
    if (!complaint) complaint = take(parameter);
    if (complaint)
      return where + "parameter '" + std::string(parameter.name) + "' " + complaint->text;
  }
  return std::nullopt;
}

}  // namespace penstock::serve
