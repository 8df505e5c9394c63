// A value of the expression language: CEL's null, bool, int, uint, double, string, list and map,
// and objects whose fields are looked up when they are asked for. Value types; lists, maps and
// objects are shared and never change.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::plan::expression {

class Value;

// What variables are: the parameters of a pipeline, its steps, one of its steps.
class Object {
 public:
  virtual ~Object() = default;
  // NotFound: there is none now, such as a result that a step did not give.
  [[nodiscard]] virtual Result<Value> Get(const std::string& field) const = 0;
  [[nodiscard]] virtual bool Has(const std::string& field) const = 0;
};

using List = std::shared_ptr<const std::vector<Value>>;
using Map = std::shared_ptr<const std::vector<std::pair<Value, Value>>>;  // keys differ
using ObjectPtr = std::shared_ptr<const Object>;

class Value {
 public:
  Value() = default;  // null
  template <typename T>
  Value(T v) : v_(std::move(v)) {}  // NOLINT: of one of the variant's types

  template <typename T>
  [[nodiscard]] const T* As() const {
    return std::get_if<T>(&v_);
  }
  [[nodiscard]] bool IsNull() const { return v_.index() == 0; }
  [[nodiscard]] bool IsNumber() const;
  // "int", "list", ... as CEL calls it.
  [[nodiscard]] const char* TypeName() const;

 private:
  std::variant<std::monostate, bool, std::int64_t, std::uint64_t, double, std::string, List, Map,
               ObjectPtr>
      v_;
};

// How a JSON number without a fraction is read.
enum class Numbers : std::uint8_t {
  kAsWritten,  // 3 is an int (a uint above 2^63), 3.0 a double
  kAsDoubles,  // of a parameter or result of type number
  kAsInts,     // of one of type integer: 3.0 is the int 3
};
[[nodiscard]] Value FromJson(const Json& json, Numbers numbers = Numbers::kAsWritten);

// The steps that one evaluation may still take. Who spends it is told so once, by Pay or IsSpent:
// what was computed since means nothing.
class Budget {
 public:
  explicit Budget(std::size_t steps) : left_(steps) {}
  // False where there are not so many left.
  bool Pay(std::size_t steps) {
    is_spent_ = is_spent_ || steps > left_;
    left_ -= is_spent_ ? left_ : steps;
    return !is_spent_;
  }
  [[nodiscard]] bool IsSpent() const { return is_spent_; }
  [[nodiscard]] std::size_t left() const { return left_; }

 private:
  std::size_t left_;
  bool is_spent_ = false;
};

// The values of its whole tree and, of each hundred bytes of a text, one more; where that is over
// `most` (a value may hold another many times) something above it, found in as many steps.
[[nodiscard]] std::size_t WeightOf(const Value& value, std::size_t most);

// CEL's heterogeneous equality: numbers by value whatever their types, lists and maps by their
// items; values of different types differ. NaN differs from itself. A step for each pair that is
// compared, for ten keys looked at, and for ten bytes.
[[nodiscard]] bool Equal(const Value& a, const Value& b, Budget& budget);

// -1, 0, 1. Invalid where the two have no order: NaN, different types other than numbers, null,
// lists, maps, objects.
[[nodiscard]] Result<int> Compare(const Value& a, const Value& b);

// The place of the entry whose key equals it, as Equal does; entries.size(): there is none. It is
// looked for from `first` on and then from the beginning.
[[nodiscard]] std::size_t PlaceOf(const std::vector<std::pair<Value, Value>>& entries,
                                  const Value& key, Budget& budget, std::size_t first = 0);
// The value there; null: there is none.
[[nodiscard]] const Value* Find(const Map& map, const Value& key, Budget& budget);

// As CEL writes it: 1, 1u, 1.5, "text", [1, 2], {"a": 1}; for messages and tests. The first `most`
// bytes of it, in as many steps.
[[nodiscard]] std::string Written(const Value& value,
                                  std::size_t most = std::numeric_limits<std::size_t>::max());

// A double as Go's FormatFloat(d, 'g', -1, 64): the shortest that reads back, 1e+06 from there on.
[[nodiscard]] std::string DoubleText(double d);

}  // namespace penstock::plan::expression
