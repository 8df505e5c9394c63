#include "operator/plan/expression/overloads.h"

namespace penstock::plan::expression {
namespace {

using Kind = Type::Kind;

Type Letter(char letter) { return {Kind::kParam, {}, {}, letter}; }

std::vector<Overload> Same(std::initializer_list<Kind> kinds) {
  std::vector<Overload> out;
  for (const Kind k : kinds) out.push_back({{Of(k), Of(k)}, Of(k)});
  return out;
}

std::vector<Overload> Orders() {
  std::vector<Overload> out{{{Of(Kind::kBool), Of(Kind::kBool)}, Of(Kind::kBool)},
                            {{Of(Kind::kString), Of(Kind::kString)}, Of(Kind::kBool)}};
  for (const Kind a : {Kind::kInt, Kind::kUint, Kind::kDouble})
    for (const Kind b : {Kind::kInt, Kind::kUint, Kind::kDouble})
      out.push_back({{Of(a), Of(b)}, Of(Kind::kBool)});
  return out;
}

std::vector<Overload> From(std::initializer_list<Kind> kinds, Kind to) {
  std::vector<Overload> out;
  for (const Kind k : kinds) out.push_back({{Of(k)}, Of(to)});
  return out;
}

std::vector<Function> Declared() {
  const Type a = Letter('A');
  const Type b = Letter('B');
  const Type boolean = Of(Kind::kBool);
  const Type integer = Of(Kind::kInt);
  const Type text = Of(Kind::kString);
  std::vector<Overload> plus = Same({Kind::kInt, Kind::kUint, Kind::kDouble, Kind::kString});
  plus.push_back({{ListOf(a), ListOf(a)}, ListOf(a)});
  const std::vector<Overload> texts{{{text, text}, boolean}};
  const std::vector<Overload> sizes{
      {{text}, integer}, {{ListOf(a)}, integer}, {{MapOf(a, b)}, integer}};
  std::vector<Function> out{
      {"_+_", true, false, plus},
      {"_-_", true, false, Same({Kind::kInt, Kind::kUint, Kind::kDouble})},
      {"_*_", true, false, Same({Kind::kInt, Kind::kUint, Kind::kDouble})},
      {"_/_", true, false, Same({Kind::kInt, Kind::kUint, Kind::kDouble})},
      {"_%_", true, false, Same({Kind::kInt, Kind::kUint})},
      {"-_", true, false, {{{integer}, integer}, {{Of(Kind::kDouble)}, Of(Kind::kDouble)}}},
      {"!_", true, false, {{{boolean}, boolean}}},
      {"_&&_", true, false, {{{boolean, boolean}, boolean}}},
      {"_||_", true, false, {{{boolean, boolean}, boolean}}},
      {"_?_:_", true, false, {{{boolean, a, a}, a}}},
      {"_==_", true, false, {{{a, a}, boolean}}},
      {"_!=_", true, false, {{{a, a}, boolean}}},
      {"_in_", true, false, {{{a, ListOf(a)}, boolean}, {{a, MapOf(a, b)}, boolean}}},
      {"_[_]", true, false, {{{ListOf(a), integer}, a}, {{MapOf(a, b), a}, b}}},
      {"size", true, true, sizes},
      {"startsWith", false, true, texts},
      {"endsWith", false, true, texts},
      {"contains", false, true, texts},
      {"matches", true, true, texts},
      {"string", true, false,
       From({Kind::kString, Kind::kInt, Kind::kUint, Kind::kDouble, Kind::kBool}, Kind::kString)},
      {"int", true, false,
       From({Kind::kInt, Kind::kUint, Kind::kDouble, Kind::kString}, Kind::kInt)},
      {"uint", true, false,
       From({Kind::kUint, Kind::kInt, Kind::kDouble, Kind::kString}, Kind::kUint)},
      {"double", true, false,
       From({Kind::kDouble, Kind::kInt, Kind::kUint, Kind::kString}, Kind::kDouble)},
      {"bool", true, false, From({Kind::kBool, Kind::kString}, Kind::kBool)},
      {"dyn", true, false, {{{a}, Of(Kind::kDyn)}}},
  };
  for (const char* order : {"_<_", "_<=_", "_>_", "_>=_"})
    out.push_back({order, true, false, Orders()});
  return out;
}

}  // namespace

const std::vector<Function>& Functions() {
  static const std::vector<Function> kFunctions = Declared();
  return kFunctions;
}

}  // namespace penstock::plan::expression
