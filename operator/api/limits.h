// What a field may hold: bounds, formats, and the shapes of core/v1 types that pass through.
//
// The descriptions in fields_*.h use these; the reader enforces them, and a test holds them against
// the schemas in crds/, so that a local file and the API server refuse the same things.
#pragma once

#include <cstdint>
#include <limits>
#include <span>

namespace penstock::api {

// A pattern as the CRDs write it, and what it asks for in words.
struct Format {
  const char* pattern;
  const char* says;
};

inline constexpr Format kDnsLabel{
    "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$",
    "lower-case letters, digits and '-', with a letter or digit at both ends"};
inline constexpr Format kIdentifier{"^[a-zA-Z][a-zA-Z0-9_-]*$",
                                    "a letter, then letters, digits, '_' and '-'"};
inline constexpr Format kDigest{"^sha256:[0-9a-f]{64}$", "sha256: and 64 hexadecimal digits"};
inline constexpr Format kVersion{"^(0|[1-9][0-9]*)[.](0|[1-9][0-9]*)[.](0|[1-9][0-9]*)$",
                                 "a version of three numbers, like 1.4.0"};
inline constexpr Format kVersionPrefix{
    "^(0|[1-9][0-9]*)([.](0|[1-9][0-9]*)){0,2}$",
    "one to three numbers: 1 is the highest 1.x.y, 1.4.0 exactly that"};
inline constexpr Format kDurationFormat{
    "^([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?([0-9]{1,5}ms)?$",
    "hours, minutes, seconds and milliseconds like 1h30m, 45s or 500ms"};
inline constexpr Format kTemplateDuration{
    "^(([0-9]{1,5}h)?([0-9]{1,5}m)?([0-9]{1,5}s)?([0-9]{1,5}ms)?|[^$]*[$][(].*)$",
    "a time like 1h30m or 45s, or a reference like $(parameters.limit)"};
inline constexpr Format kQuantity{"^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$",
                                  "a Kubernetes quantity like 500m or 2Gi"};
inline constexpr Format kTemplateQuantity{
    "^(([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)|[^$]*[$][(].*)$",
    "a Kubernetes quantity like 500m or 2Gi, or a reference like $(parameters.memory)"};
inline constexpr Format kConditionReason{"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                                         "a CamelCase word"};

// Of a string. Lengths count Unicode code points, as the API server does.
struct Text {
  std::size_t max = 0;  // must be set
  const Format* format = nullptr;
  bool required = false;  // and then not empty
  bool always = false;    // written even when empty; the schema requires it
  bool filled = false;    // may be left out, but not be empty
};

// Of a number, both ends included.
struct Range {
  double min = 0;
  double max = 0;
  bool required = false;
};
inline constexpr double kMaxSafe = 9007199254740991.0;  // 2^53 - 1: exact in JSON everywhere
inline constexpr Range kCount{0, 2147483647.0};
inline constexpr Range kBytes{0, kMaxSafe};

// The shape of a core/v1 type that we hand on without a struct of our own.
struct ShapeField;
struct Shape {
  enum Kind : std::uint8_t {
    kAny,
    kString,
    kInteger,
    kBoolean,
    kQuantityValue,     // integer or string
    kTemplateQuantity,  // the same, or a text with references
    kObject,            // exactly `fields`
    kMap,               // string -> `item`
    kList,              // of `item`
    kOpenObject,        // at least `fields`; the API server checks the rest when the pod is made
  };
  Kind kind = kAny;
  std::size_t max = 0;  // length, entries or items; of an integer: 0 to max, 0 = any
  std::span<const ShapeField> fields{};
  const Shape* item = nullptr;
};
struct ShapeField {
  const char* name;
  const Shape* shape;
  bool required = false;
};

}  // namespace penstock::api
