#include "components/model/input_values.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

#include "operator/base/shown_text.h"

namespace penstock::model {
namespace {

// Integers of another unit than microseconds land near 1970 or far from any calendar: seconds and
// milliseconds up to the year 2200 within 85 days of 1970, nanoseconds since 1903 beyond 2200.
constexpr std::int64_t kDay = 86'400'000'000;
constexpr std::int64_t kNear1970 = 85 * kDay;
constexpr std::int64_t kYear1900 = -25'567 * kDay;
constexpr std::int64_t kYear2200 = 84'006 * kDay;

Error Wrong(const InputSpec& spec, std::size_t element, const std::string& what) {
  return Invalid("input '" + spec.name + "': element " + std::to_string(element) + " " + what);
}

Error NoNull(const InputSpec& spec, std::size_t element, const std::string& what) {
  return Wrong(spec, element, "is " + what + ", and this input takes no nulls");
}

bool IsNull(const InputTensor& input, std::size_t i) {
  return !input.nulls.empty() && input.nulls[i] != 0;
}

void MarkNull(InputTensor* input, std::size_t i, std::size_t count) {
  if (input->nulls.empty()) input->nulls.resize(count);
  input->nulls[i] = 1;
}

std::string Number(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  return {text, end};
}

std::optional<Error> CheckBounds(const InputSpec& spec, std::size_t i, double value) {
  const bool low = spec.minimum && value < *spec.minimum;
  const bool high = spec.maximum && value > *spec.maximum;
  if (!low && !high) return std::nullopt;
  return Wrong(spec, i,
               "is " + Number(value) + ", " + (low ? "below the minimum " : "above the maximum ") +
                   Number(low ? *spec.minimum : *spec.maximum));
}

template <typename Float>
std::optional<Error> TakeFloats(const InputSpec& spec, const std::vector<Float>& values,
                                InputTensor* input) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (std::isfinite(values[i]) || IsNull(*input, i)) continue;
    if (std::isinf(values[i]) && spec.infinite) continue;
    if (!spec.nullable) return NoNull(spec, i, "not a finite number");
    if (std::isinf(values[i]) && !spec.is_column) {
      return Wrong(spec, i,
                   "is infinite, which is no missing value: send NaN for that, or say infinite: "
                   "true of this input in model.yaml");
    }
    MarkNull(input, i, values.size());
  }
  return std::nullopt;
}

std::optional<Error> TakeTexts(const InputSpec& spec, const std::vector<std::string_view>& values,
                               InputTensor* input) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (IsNull(*input, i)) continue;
    if (!IsUtf8(values[i])) return Wrong(spec, i, "is not UTF-8");
    const bool no_time = spec.is_time && values[i] == "NaT";  // pandas' word for it
    if (!no_time && std::find(spec.null_texts.begin(), spec.null_texts.end(), values[i]) ==
                        spec.null_texts.end())
      continue;
    if (!spec.nullable) {
      return NoNull(spec, i, "the text '" + std::string(values[i]) + "', which stands for null");
    }
    MarkNull(input, i, values.size());
  }
  return std::nullopt;
}

std::optional<Error> CheckTimes(const InputSpec& spec, const std::vector<std::int64_t>& values,
                                const InputTensor& input) {
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::int64_t value = values[i];
    const bool near = value > -kNear1970 && value < kNear1970;
    if ((!near && value >= kYear1900 && value < kYear2200) || IsNull(input, i)) continue;
    return Wrong(spec, i,
                 "is " + std::to_string(value) +
                     ", and an integer here is a time in microseconds since 1970-01-01 UTC: that "
                     "would be " +
                     (near ? "within 85 days of 1970" : "outside the years 1900 to 2200") +
                     "; is it of another unit? Times may also come as RFC 3339 text, of any year");
  }
  return std::nullopt;
}

}  // namespace

std::optional<Error> TakeValues(const InputSpec& spec, InputTensor* input) {
  const auto null = std::find(input->nulls.begin(), input->nulls.end(), 1);
  if (null != input->nulls.end() && !spec.nullable)
    return NoNull(spec, static_cast<std::size_t>(null - input->nulls.begin()), "null");
  return std::visit(
      [&](const auto& values) -> std::optional<Error> {
        using T = typename std::decay_t<decltype(values)>::value_type;
        std::optional<Error> error;
        if constexpr (std::is_floating_point_v<T>) error = TakeFloats(spec, values, input);
        if constexpr (std::is_same_v<T, std::string_view>) error = TakeTexts(spec, values, input);
        if constexpr (std::is_same_v<T, std::int64_t>) {
          if (spec.is_time && !input->typed) error = CheckTimes(spec, values, *input);
        }
        if constexpr (std::is_arithmetic_v<T>) {
          const bool bounded = spec.minimum || spec.maximum;
          for (std::size_t i = 0; bounded && !error && i < values.size(); ++i) {
            if (!IsNull(*input, i)) error = CheckBounds(spec, i, static_cast<double>(values[i]));
          }
        }
        return error;
      },
      input->data);
}

}  // namespace penstock::model
