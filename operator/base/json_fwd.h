// The JSON type's name, without its 25,000 lines, and how whole numbers are read from it.
//
// Whole numbers are taken as they are written, or refused by a Json::exception: the library's own
// reading cuts 1.5 to 1 and 2^32 to 0, and of 1e300 it makes what the compiler likes. That stands
// here, before the library, because a compiler may settle how a type is read as soon as it can.
#pragma once

#include <cmath>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <type_traits>
#include <utility>

namespace penstock {

using Json = nlohmann::json;

namespace json_detail {

// Of a number; false where T does not hold it.
template <typename T, typename AnyJson>
bool ReadWhole(const AnyJson& json, T* out) {
  const auto take = [out](auto whole) {
    *out = static_cast<T>(whole);
    return std::in_range<T>(whole);
  };
  if (json.is_number_unsigned()) return take(*json.template get_ptr<const std::uint64_t*>());
  if (json.is_number_integer()) return take(*json.template get_ptr<const std::int64_t*>());
  const double d = *json.template get_ptr<const double*>();
  if (!(d == std::trunc(d))) return false;
  if (d >= -0x1p63 && d < 0x1p63) return take(static_cast<std::int64_t>(d));
  return d > 0 && d < 0x1p64 && take(static_cast<std::uint64_t>(d));
}

}  // namespace json_detail

}  // namespace penstock

template <typename T>
struct nlohmann::adl_serializer<
    T, std::enable_if_t<std::is_integral_v<T> && !std::is_same_v<T, bool>>> {
  template <typename AnyJson>
  static void to_json(AnyJson& out, T value) {
    using Kind = typename AnyJson::value_t;
    if constexpr (std::is_unsigned_v<T>) {
      out = AnyJson(Kind::number_unsigned);
      *out.template get_ptr<std::uint64_t*>() = value;
    } else {
      out = AnyJson(Kind::number_integer);
      *out.template get_ptr<std::int64_t*>() = value;
    }
  }
  template <typename AnyJson>
  static void from_json(const AnyJson& value, T& out) {
    if (value.is_boolean()) {
      out = static_cast<T>(value.template get<bool>());
      return;
    }
    if (!value.is_number())
      throw AnyJson::type_error::create(
          302, std::string("type must be number, but is ") + value.type_name(), &value);
    if (!penstock::json_detail::ReadWhole(value, &out))
      throw AnyJson::type_error::create(
          302, value.dump() + " is no whole number, or too large for its place", &value);
  }
};
