#include "components/serve/protocol/json_data.h"

#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

namespace penstock::serve {
namespace {

namespace od = simdjson::ondemand;

Complaint Set(double value, std::string_view, float* out) {
  if (std::abs(value) > std::numeric_limits<float>::max()) return "is out of the range of FP32";
  *out = static_cast<float>(value);
  return std::nullopt;
}
Complaint Set(double value, std::string_view written, double* out) {
  if (!SaysItsDigits(value, written)) return "is a whole number that FP64 would round";
  *out = value;
  return std::nullopt;
}

constexpr const char* kNoJson =
    "is not JSON, which has no NaN and no Infinity: a missing value is null";

// As it stands in the body.
std::string_view Written(od::value& value) {
  const std::string_view token = value.raw_json_token();
  const std::size_t last = token.find_last_not_of(" \t\r\n");
  return token.substr(0, last == std::string_view::npos ? 0 : last + 1);
}

template <typename Float>
Complaint ReadFloat(od::value& value, Float* out) {
  double number = 0;
  if (value.get_double().get(number) != simdjson::SUCCESS)
    return "is not a finite number; in JSON a missing value is null";
  return Set(number, Written(value), out);
}

// Not an int64: why.
BadValue NoInteger(od::value& value, Datatype datatype) {
  double number = 0;
  std::uint64_t positive = 0;
  if (datatype == Datatype::kUint64 && value.get_uint64().get(positive) == simdjson::SUCCESS)
    return kAboveInt64;
  if (value.get_double().get(number) != simdjson::SUCCESS) return "is not an integer";
  return std::string("is out of the range of ") + Name(datatype);
}

// Integers as they are; a number with a point or an exponent only when it is integral.
Complaint ReadInteger(od::value& value, Datatype datatype, std::int64_t* out) {
  const IntegerRange range = RangeOf(datatype);
  std::int64_t integer = 0;
  if (value.get_int64().get(integer) != simdjson::SUCCESS) {
    double number = 0;
    if (IsWhole(Written(value)) || value.get_double().get(number) != simdjson::SUCCESS)
      return NoInteger(value, datatype);
    if (std::trunc(number) != number)
      return std::string("is not integral, as ") + Name(datatype) + " must be";
    if (std::abs(number) >= 0x1p63) return NoInteger(value, datatype);
    if (std::abs(number) >= 0x1p53) return kWholeWithPoint;
    integer = static_cast<std::int64_t>(number);
  }
  if (integer < range.min || integer > range.max)
    return std::string("is out of the range of ") + Name(datatype);
  *out = integer;
  return std::nullopt;
}

Complaint ReadBool(od::value& value, std::uint8_t* out) {
  bool truth = false;
  if (value.get_bool().get(truth) != simdjson::SUCCESS) return "is neither true nor false";
  *out = truth ? 1 : 0;
  return std::nullopt;
}

Complaint ReadText(od::value& value, std::string_view* out) {
  if (value.get_string().get(*out) == simdjson::SUCCESS) return std::nullopt;
  const std::string_view written = value.raw_json_token();
  if (!written.empty() && written.front() == '"')
    return "is text with an escape that stands for no character (half of a surrogate pair?)";
  return "is not a string";
}

Complaint ReadElement(od::value& value, Datatype, float* out) { return ReadFloat(value, out); }
Complaint ReadElement(od::value& value, Datatype, double* out) { return ReadFloat(value, out); }
Complaint ReadElement(od::value& value, Datatype d, std::int64_t* out) {
  return ReadInteger(value, d, out);
}
Complaint ReadElement(od::value& value, Datatype, std::uint8_t* out) {
  return ReadBool(value, out);
}
Complaint ReadElement(od::value& value, Datatype, std::string_view* out) {
  return ReadText(value, out);
}

// Up to which a number may be taken without a look at how it is written.
template <typename T>
constexpr double kQuick = std::is_same_v<T, float> ? std::numeric_limits<float>::max() : 0x1p53 - 1;

// Walks the array; knows where it is in the shape.
template <typename T>
class ArrayReader {
 public:
  ArrayReader(InputTensor* input, std::int64_t count, std::int64_t most)
      : input_(*input), count_(count) {
    // Once: a vector that grows holds its elements twice.
    values_.reserve(static_cast<std::size_t>(std::min(count, most)));
  }

  Complaint Run(od::value data) {
    if (auto complaint = Array(data, 0)) return complaint;
    const auto found = static_cast<std::int64_t>(values_.size());
    if (found != count_) {
      return "data has " + std::to_string(found) + " elements, shape " + FormatShape(input_.shape) +
             " has " + std::to_string(count_);
    }
    if (!input_.nulls.empty()) input_.nulls.resize(values_.size());
    input_.data = std::move(values_);
    return std::nullopt;
  }

 private:
  Complaint Array(od::value& data, std::size_t level) {
    od::array array;
    if (data.get_array().get(array) != simdjson::SUCCESS) return "data must be an array";
    std::int64_t length = 0;
    for (auto item : array) {
      od::value value;
      if (auto error = item.get(value)) return simdjson::error_message(error);
      ++length;
      if (TakeNumber(value, level)) continue;
      if (auto complaint = Item(value, level)) return complaint;
    }
    if (nested_ && length != input_.shape[level]) {
      return "nested data has " + std::to_string(length) + " items at depth " +
             std::to_string(level + 1) + ", shape " + FormatShape(input_.shape) + " says " +
             std::to_string(input_.shape[level]);
    }
    return std::nullopt;
  }

  // The usual case, kept short: a number where one may stand. False, and nothing is taken, of all
  // else.
  bool TakeNumber(od::value& value, std::size_t level) {
    if constexpr (std::is_floating_point_v<T>) {
      double number = 0;
      if ((nested_ && level + 1 != input_.shape.size()) ||
          static_cast<std::int64_t>(values_.size()) == count_ ||
          value.get_double().get(number) != simdjson::SUCCESS || std::abs(number) > kQuick<T>)
        return false;
      values_.push_back(static_cast<T>(number));
      return true;
    }
    return false;
  }

  Complaint Item(od::value& value, std::size_t level) {
    od::json_type type;
    if (value.type().get(type) != simdjson::SUCCESS) return Element(kNoJson);
    if (type == od::json_type::array) {
      if (values_.empty() && level == 0) nested_ = true;
      if (!nested_ || level + 1 >= input_.shape.size())
        return Element("is a list where shape " + FormatShape(input_.shape) + " has none");
      return Array(value, level + 1);
    }
    if (nested_ && level + 1 != input_.shape.size())
      return Element("is not a list, as nested data of shape " + FormatShape(input_.shape) +
                     " must have here");
    if (static_cast<std::int64_t>(values_.size()) == count_) {
      return "data has more elements than shape " + FormatShape(input_.shape) + " (" +
             std::to_string(count_) + ")";
    }
    values_.emplace_back();
    if (type == od::json_type::null) return Null(value);
    T element{};
    if (auto complaint = ReadElement(value, input_.datatype, &element))
      return Element(complaint->text, 1);
    values_.back() = element;
    return std::nullopt;
  }

  Complaint Null(od::value& value) {
    bool null = false;
    if (value.is_null().get(null) != simdjson::SUCCESS || !null) return Element(kNoJson, 1);
    input_.nulls.resize(values_.size());
    input_.nulls.back() = 1;
    return std::nullopt;
  }

  [[nodiscard]] std::string Element(const std::string& what, std::size_t back = 0) const {
    return "element " + std::to_string(values_.size() - back) + " " + what;
  }

  InputTensor& input_;
  std::int64_t count_;
  std::vector<T> values_;
  bool nested_ = false;
};

}  // namespace

Complaint ReadData(od::value data, std::int64_t count, std::int64_t most, InputTensor* input) {
  switch (input->datatype) {
    case Datatype::kFp32:
      return ArrayReader<float>(input, count, most).Run(data);
    case Datatype::kFp64:
      return ArrayReader<double>(input, count, most).Run(data);
    case Datatype::kBool:
      return ArrayReader<std::uint8_t>(input, count, most).Run(data);
    case Datatype::kBytes:
      return ArrayReader<std::string_view>(input, count, most).Run(data);
    case Datatype::kFp16:
    case Datatype::kBf16:
      return std::string(Name(input->datatype)) + " has no JSON form; send FP32";
    default:
      return ArrayReader<std::int64_t>(input, count, most).Run(data);
  }
}

}  // namespace penstock::serve
