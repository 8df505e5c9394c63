#include "components/serve/protocol/json_read.h"

#include <array>
#include <charconv>
#include <cmath>

namespace penstock::serve {

namespace od = simdjson::ondemand;
using simdjson::SUCCESS;

BadValue Explain(simdjson::error_code error) {
  std::string text = std::string("the body is not valid JSON: ") + simdjson::error_message(error);
  if (error == simdjson::UTF8_ERROR) text = "the body is not valid UTF-8";
  if (error == simdjson::NUMBER_ERROR) {
    text =
        "the body is not valid JSON: a number in it is none that JSON knows, or beyond all doubles "
        "(a missing value is null)";
  }
  if (error == simdjson::EMPTY) text = "the body is empty; an inference request is a JSON object";
  if (error == simdjson::CAPACITY) text = "the body is too large to parse";
  return {std::move(text), true};
}

Complaint Skip(od::value value, int depth) {
  if (depth > kMaxJsonDepth)
    return BadValue("the JSON is nested deeper than " + std::to_string(kMaxJsonDepth), true);
  od::json_type type;
  if (auto error = value.type().get(type)) return Explain(error);
  simdjson::error_code error = SUCCESS;
  if (type == od::json_type::object) {
    od::object object;
    if ((error = value.get_object().get(object))) return Explain(error);
    for (auto field : object) {
      std::string_view key;
      od::value inner;
      if ((error = field.unescaped_key().get(key)) || (error = field.value().get(inner)))
        return Explain(error);
      if (auto complaint = Skip(inner, depth + 1)) return complaint;
    }
    return std::nullopt;
  }
  if (type == od::json_type::array) {
    od::array array;
    if ((error = value.get_array().get(array))) return Explain(error);
    for (auto item : array) {
      od::value inner;
      if ((error = item.get(inner))) return Explain(error);
      if (auto complaint = Skip(inner, depth + 1)) return complaint;
    }
    return std::nullopt;
  }
  std::string_view text;
  double number = 0;
  bool truth = false;
  if (type == od::json_type::string) error = value.get_string().get(text);
  if (type == od::json_type::number) error = value.get_double().get(number);
  if (type == od::json_type::boolean) error = value.get_bool().get(truth);
  if (type == od::json_type::null) {
    error = value.is_null().get(truth);
    if (!error && !truth) error = simdjson::N_ATOM_ERROR;
  }
  if (error) return Explain(error);
  return std::nullopt;
}

Complaint ReadString(od::value value, const std::string& what, std::string* out) {
  std::string_view text;
  if (value.get_string().get(text) != SUCCESS) return what + " must be a string";
  *out = std::string(text);
  return std::nullopt;
}

Complaint ReadShape(od::value value, Shape* shape) {
  od::array array;
  if (value.get_array().get(array) != SUCCESS) return "shape must be an array of integers";
  for (auto item : array) {
    std::int64_t dim = 0;
    if (item.get_int64().get(dim) != SUCCESS) return "shape must be an array of integers";
    if (dim < 0) return "shape has the negative dimension " + std::to_string(dim);
    if (shape->size() == kMaxRank)
      return "shape has more than " + std::to_string(kMaxRank) + " dimensions";
    shape->push_back(dim);
  }
  return std::nullopt;
}

Complaint ReadParameterValue(od::value value, Parameter* parameter) {
  od::json_type type;
  if (auto error = value.type().get(type)) return Explain(error);
  if (type == od::json_type::boolean) {
    bool truth = false;
    if (auto error = value.get_bool().get(truth)) return Explain(error);
    parameter->truth = truth;
    return std::nullopt;
  }
  if (type == od::json_type::number) {
    std::int64_t integer = 0;
    if (value.get_int64().get(integer) == SUCCESS) {
      parameter->integer = integer;
      return std::nullopt;
    }
    double number = 0;
    if (value.get_double().get(number) != SUCCESS) return "is not a number that JSON knows";
    return std::nullopt;
  }
  std::string_view text;
  if (value.get_string().get(text) != SUCCESS) return "must be a string, a number or a boolean";
  parameter->text = text;
  return std::nullopt;
}

bool IsWhole(std::string_view written) {
  if (!written.empty() && written.front() == '-') written.remove_prefix(1);
  return !written.empty() && written.find_first_not_of("0123456789") == std::string_view::npos;
}

bool SaysItsDigits(double number, std::string_view written) {
  if (std::abs(number) < 0x1p53 || !IsWhole(written)) return true;
  // The fewest digits that give this double back: "9.007199254740992e+15".
  std::array<char, 32> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number,
                                 std::chars_format::scientific)
                       .ptr;
  std::string shortest(buffer.data(), end);
  shortest.resize(shortest.find('e'));
  std::erase(shortest, '.');
  const auto digits = [](std::string_view text) {
    const std::size_t last = text.find_last_not_of('0');
    return text.substr(0, last == std::string_view::npos ? 0 : last + 1);
  };
  return digits(shortest) == digits(written);
}

}  // namespace penstock::serve
