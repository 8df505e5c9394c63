#include "operator/plan/expression/type.h"

#include <algorithm>
#include <array>

namespace penstock::plan::expression {
namespace {

using Kind = Type::Kind;

// Of two of which each fits the other, the one that says less.
Type General(const Type& a, const Type& b) {
  if (a.kind == Kind::kFree) return b;
  if (b.kind == Kind::kFree) return a;
  if (a.kind == Kind::kDyn || b.kind == Kind::kDyn) return Of(Kind::kDyn);
  Type out = a;
  for (std::size_t i = 0; i < out.args.size(); ++i) out.args[i] = General(a.args[i], b.args[i]);
  return out;
}

// Takes the nodes of the type off `left`; false where there are more.
bool Count(const Type& type, std::size_t& left) {
  if (left == 0) return false;
  --left;
  return std::all_of(type.args.begin(), type.args.end(),
                     [&](const Type& arg) { return Count(arg, left); });
}

}  // namespace

Type ObjectOf(ObjectType object) {
  return {Kind::kObject, {}, std::make_shared<const ObjectType>(std::move(object))};
}

bool IsDyn(const Type& type) { return type.kind == Kind::kDyn || type.kind == Kind::kFree; }

bool IsNumber(const Type& type) {
  return type.kind == Kind::kInt || type.kind == Kind::kUint || type.kind == Kind::kDouble;
}

bool IsWithin(const Type& type, std::size_t nodes) { return Count(type, nodes); }

bool Fits(const Type& wanted, const Type& given, Bindings& bindings) {
  if (given.kind == Kind::kObject) return false;
  if (wanted.kind == Kind::kParam) {
    const auto bound = bindings.find(wanted.letter);
    if (bound == bindings.end()) {
      bindings.emplace(wanted.letter, given);
      return true;
    }
    Bindings none;
    if (!Fits(bound->second, given, none)) return false;
    bound->second = General(bound->second, given);
    return true;
  }
  if (IsDyn(given) || IsDyn(wanted)) return true;
  if (wanted.kind != given.kind) return false;
  for (std::size_t i = 0; i < wanted.args.size(); ++i)
    if (!Fits(wanted.args[i], given.args[i], bindings)) return false;
  return true;
}

Type Bound(const Type& type, const Bindings& bindings) {
  if (type.kind == Kind::kParam) {
    const auto bound = bindings.find(type.letter);
    return bound == bindings.end() ? Of(Kind::kDyn) : bound->second;
  }
  Type out = type;
  for (Type& arg : out.args) arg = Bound(arg, bindings);
  return out;
}

Type Joined(const Type& a, const Type& b) {
  Bindings none;
  return Fits(a, b, none) ? General(a, b) : Of(Kind::kDyn);
}

std::string Name(const Type& type) {
  constexpr std::array kNames{"dyn",    "dyn",    "null_type", "bool", "int",    "uint",
                              "double", "string", "list",      "map",  "object", "T"};
  std::string out = kNames.at(static_cast<std::size_t>(type.kind));
  for (std::size_t i = 0; i < type.args.size(); ++i)
    out += (i == 0 ? "(" : ", ") + Name(type.args[i]);
  return type.args.empty() ? out : out + ")";
}

}  // namespace penstock::plan::expression
