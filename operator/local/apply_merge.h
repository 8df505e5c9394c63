// Server-side apply's field sets: which leaves of an object a manager set, how an applied
// configuration merges into a live object, and how fields that a manager gave up leave it.
//
// Maps merge; lists that Kubernetes declares as maps (containers by name, conditions by type, ...)
// merge item by item; sets (finalizers) merge by value; every other list is one leaf. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json_fwd.h"

namespace penstock::local {

// Segments: "f:name" a field, "k:{"name":"x"}" an item of a map list, "v:"x"" an item of a set.
using FieldPath = std::vector<std::string>;
using FieldSet = std::set<FieldPath>;

// The lists of a group's kinds. Kinds of penstock.dev take a list of objects that all have a
// string `name` as a map list by name, as their CRDs declare it.
class ListSchema {
 public:
  explicit ListSchema(std::string_view group) : custom_(group == "penstock.dev") {}

  enum class Kind : std::uint8_t { kAtomic, kMap, kSet };
  struct Shape {
    Kind kind = Kind::kAtomic;
    std::vector<std::string> keys;
  };
  // `owner` is the field that holds the object that holds the list ("" at top).
  [[nodiscard]] Shape Of(std::string_view owner, std::string_view field, const Json& list) const;

 private:
  bool custom_;
};

// All leaves of an object.
[[nodiscard]] FieldSet Leaves(const ListSchema& schema, const Json& object);

// The leaves of `after` that `before` has not, or has with another value.
[[nodiscard]] FieldSet ChangedLeaves(const ListSchema& schema, const Json& before,
                                     const Json& after);

// Puts every leaf of `config` into `live`.
void MergeInto(const ListSchema& schema, Json& live, const Json& config);

// Takes the leaves out of `live`, and the maps and list items that become empty by it.
void RemoveLeaves(const ListSchema& schema, Json& live, const FieldSet& leaves);

}  // namespace penstock::local
