// Types of the expression language, as cel-go's checker has them. Value types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace penstock::plan::expression {

struct ObjectType;

struct Type {
  enum class Kind : std::uint8_t {
    kDyn,   // known when it is evaluated
    kFree,  // of no item yet: what an empty list is of
    kNull,
    kBool,
    kInt,
    kUint,
    kDouble,
    kString,
    kList,    // of args[0]
    kMap,     // from args[0] to args[1]
    kObject,  // of known fields; only fields can be taken of it
    kParam,   // in a function's declaration: the same type wherever its letter stands
  };
  Kind kind = Kind::kDyn;
  std::vector<Type> args{};
  std::shared_ptr<const ObjectType> object{};
  char letter = 0;
};

struct ObjectType {
  std::string what;  // "the pipeline", for errors: "<what> has no <field> 'x'"
  std::string field = "field";
  std::map<std::string, Type> fields;
};

[[nodiscard]] inline Type Of(Type::Kind kind) { return {kind}; }
[[nodiscard]] inline Type ListOf(Type item) { return {Type::Kind::kList, {std::move(item)}}; }
[[nodiscard]] inline Type MapOf(Type key, Type value) {
  return {Type::Kind::kMap, {std::move(key), std::move(value)}};
}
[[nodiscard]] Type ObjectOf(ObjectType object);

[[nodiscard]] bool IsDyn(const Type& type);  // kDyn or kFree
[[nodiscard]] bool IsNumber(const Type& type);

// Whether it is made of at most so many types, itself among them; looks at no more of them.
[[nodiscard]] bool IsWithin(const Type& type, std::size_t nodes);

// What the letters of a declaration stand for.
using Bindings = std::map<char, Type>;
// Whether an argument may stand where a declaration asks for `wanted`; binds its letters. kDyn may
// stand everywhere.
[[nodiscard]] bool Fits(const Type& wanted, const Type& given, Bindings& bindings);
// With its letters replaced; those that stand for nothing are kDyn.
[[nodiscard]] Type Bound(const Type& type, const Bindings& bindings);
// The type of a list of both: the more general of the two, or kDyn.
[[nodiscard]] Type Joined(const Type& a, const Type& b);

// "int", "list(string)", "map(string, dyn)"
[[nodiscard]] std::string Name(const Type& type);

}  // namespace penstock::plan::expression
