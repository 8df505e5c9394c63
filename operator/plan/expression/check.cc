#include <algorithm>
#include <optional>
#include <utility>

#include "operator/base/nearest.h"
#include "operator/plan/expression/expression.h"
#include "operator/plan/expression/lexer.h"
#include "operator/plan/expression/overloads.h"

namespace penstock::plan::expression {
namespace {

using Kind = Type::Kind;

// "+" of "_+_", "[]" of "_[_]"
std::string Spoken(const std::string& function) {
  std::string out;
  for (const char c : function)
    if (c != '_') out += c;
  const bool is_operator = function.find('_') != std::string::npos && function != "exists_one";
  return is_operator ? out : function;
}

class Checker {
 public:
  Checker(const std::map<std::string, Type>& variables, std::vector<std::string>& errors)
      : variables_(variables), errors_(errors) {}

  // What is too large is no type of anything that is made of it.
  Type Visit(const Node& n) {
    Type type = Typed(n);
    if (IsWithin(type, kMaxTypeNodes)) return type;
    if (std::exchange(is_told_, true)) return {};
    return Wrong(n.at, "the lists and maps in each other here are of over " +
                           std::to_string(kMaxTypeNodes) +
                           " types; nest fewer, or make one of them dyn(...)");
  }

  Type Wrong(std::size_t at, const std::string& message) {
    errors_.push_back(At(at, message).message);
    return {};
  }
  // An object is no value: only its fields are.
  Type AsValue(Type type, std::size_t at) {
    if (type.kind != Kind::kObject) return type;
    return Wrong(at, type.object->what + " is no value by itself; name a " + type.object->field +
                         " of it" + Known(*type.object));
  }

 private:
  Type Typed(const Node& n) {
    switch (n.kind) {
      case Node::Kind::kLiteral:
        return OfLiteral(n.literal);
      case Node::Kind::kName:
        return OfName(n);
      case Node::Kind::kSelect:
        return Field(Visit(*n.kids[0]), n.name, n.at);
      case Node::Kind::kHas:
        (void)Field(Visit(*n.kids[0]), n.name, n.at);
        return Of(Kind::kBool);
      case Node::Kind::kCall:
        return Call(n);
      case Node::Kind::kList:
        return ListOf(OfAll(n, 0, 1));
      case Node::Kind::kMap:
        return MapOf(OfAll(n, 0, 2), OfAll(n, 1, 2));
      case Node::Kind::kMacro:
        return Macro(n);
    }
    return {};
  }

  static Type OfLiteral(const Value& v) {
    if (v.As<bool>() != nullptr) return Of(Kind::kBool);
    if (v.As<std::int64_t>() != nullptr) return Of(Kind::kInt);
    if (v.As<std::uint64_t>() != nullptr) return Of(Kind::kUint);
    if (v.As<double>() != nullptr) return Of(Kind::kDouble);
    return Of(v.IsNull() ? Kind::kNull : Kind::kString);
  }

  Type OfName(const Node& n) {
    for (auto it = scope_.rbegin(); it != scope_.rend(); ++it)
      if (it->first == n.name) return it->second;
    if (const auto it = variables_.find(n.name); it != variables_.end()) return it->second;
    std::vector<std::string> known;
    std::string all;
    for (const auto& [name, type] : variables_) {
      known.push_back(name);
      all += (all.empty() ? "" : ", ") + name;
    }
    std::string hint = DidYouMean(n.name, known);
    if (hint.empty() && !all.empty()) hint = "; there is " + all + "; text stands in quotes";
    return Wrong(n.at, "there is no '" + n.name + "'" + hint);
  }

  static std::string Known(const ObjectType& object) {
    std::string all;
    for (const auto& [name, type] : object.fields) {
      if (all.size() > 200) return all + ", ...";
      all += (all.empty() ? "; it has " : ", ") + name;
    }
    return all.empty() ? "; it has none" : all;
  }

  Type UnknownField(const ObjectType& object, const std::string& name, std::size_t at) {
    std::vector<std::string> known;
    std::string hint;
    for (const auto& [field, type] : object.fields) {
      known.push_back(field);
      if (field.starts_with(name + "-"))
        hint = "; '-' subtracts here: a name that holds one is written [\"" + field + "\"]";
    }
    if (hint.empty()) hint = DidYouMean(name, known);
    if (hint.empty()) hint = Known(object);
    return Wrong(at, object.what + " has no " + object.field + " '" + name + "'" + hint);
  }

  Type Field(const Type& of, const std::string& name, std::size_t at) {
    if (IsDyn(of)) return {};
    if (of.kind == Kind::kMap) return of.args[1];
    if (of.kind != Kind::kObject)
      return Wrong(at, "a " + Name(of) + " has no fields such as '" + name + "'");
    const auto& fields = of.object->fields;
    const auto it = fields.find(name);
    return it == fields.end() ? UnknownField(*of.object, name, at) : it->second;
  }

  Type OfAll(const Node& n, std::size_t first, std::size_t step) {
    std::optional<Type> all;
    for (std::size_t i = first; i < n.kids.size(); i += step) {
      const Type one = AsValue(Visit(*n.kids[i]), n.kids[i]->at);
      all = all ? Joined(*all, one) : one;
    }
    return all.value_or(Of(Kind::kFree));
  }

  Type Call(const Node& n) {
    const std::size_t before = errors_.size();
    std::vector<Type> given;
    for (const auto& kid : n.kids) {
      given.push_back(Visit(*kid));
      if (n.name == "_-_" && errors_.size() > before) return {};  // the hint is said
    }
    if (n.name == "_[_]" && given[0].kind == Kind::kObject) return Index(n, given[0]);
    if (n.name == "_-_" && given[0].kind == Kind::kObject)
      return Wrong(n.at, "'-' subtracts here: a name that holds one is written [\"...\"]");
    for (std::size_t i = 0; i < given.size(); ++i) given[i] = AsValue(given[i], n.kids[i]->at);
    if (errors_.size() > before) return {};
    const bool method = n.variable == ".";
    const Function* function = nullptr;
    for (const Function& f : Functions())
      if (n.name == f.name && (method ? f.as_method : f.as_function)) function = &f;
    if (function == nullptr) return UnknownFunction(n, method);
    if (ComparesNumbers(n.name, given)) return Of(Kind::kBool);
    return Resolve(n, *function, given);
  }

  // What we allow beyond cel-go's checker: equality of numbers of two types.
  static bool ComparesNumbers(const std::string& name, const std::vector<Type>& given) {
    if (name == "_==_" || name == "_!=_") return IsNumber(given[0]) && IsNumber(given[1]);
    return name == "_in_" && IsNumber(given[0]) && !given[1].args.empty() &&
           IsNumber(given[1].args[0]);
  }

  Type Resolve(const Node& n, const Function& function, const std::vector<Type>& given) {
    std::optional<Type> out;
    for (const Overload& o : function.overloads) {
      if (o.takes.size() != given.size()) continue;
      Bindings bindings;
      bool fits = true;
      for (std::size_t i = 0; i < given.size() && fits; ++i)
        fits = Fits(o.takes[i], given[i], bindings);
      if (!fits) continue;
      const Type one = Bound(o.gives, bindings);
      if (!out)
        out = one;
      else if (Name(*out) != Name(one))
        out = Of(Kind::kDyn);
    }
    if (out) return *out;
    std::string types;
    for (const Type& t : given) types += (types.empty() ? "" : " and ") + Name(t);
    const bool mixed = given.size() == 2 && IsNumber(given[0]) && IsNumber(given[1]);
    return Wrong(n.at,
                 "'" + Spoken(n.name) + "' takes no " + (types.empty() ? "nothing" : types) +
                     (mixed ? "; write 1.0 for 1, or convert with int(...) or double(...)" : ""));
  }

  Type UnknownFunction(const Node& n, bool method) {
    std::vector<std::string> known{"has", "all", "exists", "exists_one", "filter", "map"};
    for (const Function& f : Functions())
      if (f.name[0] != '_' && f.name[1] != '_') known.emplace_back(f.name);
    for (const Function& f : Functions())
      if (n.name == f.name)
        return Wrong(n.at, "'" + n.name + "' is written " +
                               (method ? n.name + "(...)" : "text." + n.name + "(...)"));
    return Wrong(n.at, "there is no function '" + n.name + "'" + DidYouMean(n.name, known));
  }

  Type Index(const Node& n, const Type& of) {
    const Node& index = *n.kids[1];
    const auto* name =
        index.kind == Node::Kind::kLiteral ? index.literal.As<std::string>() : nullptr;
    if (name != nullptr) return Field(of, *name, n.at);
    return Wrong(index.at,
                 "a " + of.object->field + "'s name is written out here, as in [\"name\"]");
  }

  Type Macro(const Node& n) {
    const Type range = AsValue(Visit(*n.kids[0]), n.kids[0]->at);
    Type item;
    if (range.kind == Kind::kList || range.kind == Kind::kMap) {
      item = range.args[0].kind == Kind::kFree ? Type{} : range.args[0];
    } else if (!IsDyn(range)) {
      return Wrong(n.at, "'" + n.name + "' goes through a list or a map, not a " + Name(range));
    }
    if (variables_.contains(n.variable) ||
        std::any_of(scope_.begin(), scope_.end(),
                    [&](const auto& v) { return v.first == n.variable; }))
      return Wrong(n.at, "'" + n.variable + "' is the name of something else; take another");
    scope_.emplace_back(n.variable, item);
    std::vector<Type> bodies;
    for (std::size_t i = 1; i < n.kids.size(); ++i)
      bodies.push_back(AsValue(Visit(*n.kids[i]), n.kids[i]->at));
    scope_.pop_back();
    const bool is_map = n.name == "map";
    const std::size_t conditions = bodies.size() - (is_map ? 1 : 0);
    for (std::size_t i = 0; i < conditions; ++i)
      if (bodies[i].kind != Kind::kBool && !IsDyn(bodies[i]))
        return Wrong(n.kids[i + 1]->at,
                     "'" + n.name + "' takes a condition, not a " + Name(bodies[i]));
    if (is_map) return ListOf(bodies.back());
    return n.name == "filter" ? ListOf(item) : Of(Kind::kBool);
  }

  const std::map<std::string, Type>& variables_;
  std::vector<std::string>& errors_;
  std::vector<std::pair<std::string, Type>> scope_;
  bool is_told_ = false;  // that a type is too large, once for all that grow
};

void CollectPaths(const Node& n, std::vector<std::string>& hidden, std::vector<Path>& found);

// The chain that ends at `n`; empty: `n` is none.
Path ChainOf(const Node& n, const std::vector<std::string>& hidden) {
  std::vector<std::string> names;
  const Node* at = &n;
  while (at->kind != Node::Kind::kName) {
    if (at->kind == Node::Kind::kSelect || at->kind == Node::Kind::kHas) {
      names.push_back(at->name);
    } else if (at->kind == Node::Kind::kCall && at->name == "_[_]" &&
               at->kids[1]->kind == Node::Kind::kLiteral &&
               at->kids[1]->literal.As<std::string>() != nullptr) {
      names.push_back(*at->kids[1]->literal.As<std::string>());
    } else {
      return {};
    }
    at = at->kids[0].get();
  }
  if (std::find(hidden.begin(), hidden.end(), at->name) != hidden.end()) return {};
  names.push_back(at->name);
  std::reverse(names.begin(), names.end());
  return {std::move(names), n.kind == Node::Kind::kHas, at->at};
}

void CollectPaths(const Node& n, std::vector<std::string>& hidden, std::vector<Path>& found) {
  if (Path path = ChainOf(n, hidden); !path.names.empty()) {
    found.push_back(std::move(path));
    return;
  }
  const bool macro = n.kind == Node::Kind::kMacro;
  for (std::size_t i = 0; i < n.kids.size(); ++i) {
    if (macro && i == 1) hidden.push_back(n.variable);
    CollectPaths(*n.kids[i], hidden, found);
  }
  if (macro) hidden.pop_back();
}

}  // namespace

Type Check(const Expression& expression, const std::map<std::string, Type>& variables,
           std::vector<std::string>& errors) {
  Checker checker(variables, errors);
  return checker.AsValue(checker.Visit(expression.root()), expression.root().at);
}

std::vector<Path> PathsOf(const Expression& expression) {
  std::vector<Path> found;
  std::vector<std::string> hidden;
  CollectPaths(expression.root(), hidden, found);
  return found;
}

}  // namespace penstock::plan::expression
