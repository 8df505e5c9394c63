#include <algorithm>
#include <cmath>

#include "operator/plan/expression/expression.h"
#include "operator/plan/expression/functions.h"

namespace penstock::plan::expression {
namespace {

using Answer = Result<Value>;

Error NotABool(const Value& v) {
  return Invalid(std::string("a condition is true or false, not a ") + v.TypeName());
}

// As an index a double or a uint that is whole will do.
std::optional<std::int64_t> IndexOf(const Value& v) {
  if (const auto* i = v.As<std::int64_t>()) return *i;
  if (const auto* u = v.As<std::uint64_t>())
    return *u <= static_cast<std::uint64_t>(INT64_MAX)
               ? std::optional(static_cast<std::int64_t>(*u))
               : std::nullopt;
  if (const auto* d = v.As<double>(); d != nullptr && std::floor(*d) == *d && std::fabs(*d) < 9e15)
    return static_cast<std::int64_t>(*d);
  return std::nullopt;
}

class Evaluator {
 public:
  explicit Evaluator(const std::map<std::string, Value>& variables) : variables_(variables) {}

  Answer Visit(const Node& n) {
    if (!budget_.Pay(1)) return TooMuch();
    Answer out = Computed(n);
    if (budget_.IsSpent() || (out && !PayForCopy(*out))) return TooMuch();
    return out;
  }

 private:
  Answer Computed(const Node& n) {
    switch (n.kind) {
      case Node::Kind::kLiteral:
        return n.literal;
      case Node::Kind::kName:
        return OfName(n.name);
      case Node::Kind::kSelect:
        return Select(n);
      case Node::Kind::kHas:
        return Has(n);
      case Node::Kind::kCall:
        return Call(n);
      case Node::Kind::kList:
        return ListValue(n);
      case Node::Kind::kMap:
        return MapValue(n);
      case Node::Kind::kMacro:
        return Macro(n);
    }
    return Internal("an expression of no kind");
  }

  // A text is copied with its value, a list or a map is not.
  bool PayForCopy(const Value& v) {
    const auto* text = v.As<std::string>();
    return text == nullptr || budget_.Pay(text->size() / 10);
  }
  bool PayForItems(const List& list) {
    return budget_.Pay(list->size()) &&
           std::all_of(list->begin(), list->end(), [&](const Value& v) { return PayForCopy(v); });
  }
  static Error TooMuch() {
    return Invalid("the expression takes too much work; make its lists smaller");
  }

  Answer OfName(const std::string& name) {
    for (auto it = scope_.rbegin(); it != scope_.rend(); ++it)
      if (it->first == name) return *it->second;
    if (const auto it = variables_.find(name); it != variables_.end()) return it->second;
    return Invalid("there is no '" + name + "'");
  }

  Answer Select(const Node& n) {
    auto of = Visit(*n.kids[0]);
    if (!of) return of;
    return Field(*of, n.name);
  }

  Answer Field(const Value& of, const std::string& name) {
    if (const auto* object = of.As<ObjectPtr>()) return Read(*object, name);
    const auto* map = of.As<Map>();
    if (map == nullptr)
      return Invalid(std::string("a ") + of.TypeName() + " has no fields such as '" + name + "'");
    if (const Value* found = Find(*map, name, budget_)) return *found;
    return Invalid("no such key: " + name.substr(0, 80));
  }

  // What an object makes of its field, all that is in it, is made once.
  Answer Read(const ObjectPtr& object, const std::string& name) {
    const auto [it, is_new] = read_.try_emplace({object, name}, Value());
    if (!is_new) return it->second;
    it->second = object->Get(name);
    if (it->second && !budget_.Pay(WeightOf(*it->second, budget_.left()))) return TooMuch();
    return it->second;
  }

  Answer Has(const Node& n) {
    auto of = Visit(*n.kids[0]);
    if (!of) return of;
    if (const auto* object = of->As<ObjectPtr>()) return Value((*object)->Has(n.name));
    if (const auto* map = of->As<Map>()) return Value(Find(*map, n.name, budget_) != nullptr);
    return Value(false);
  }

  // An error of one side says nothing where the other side decides.
  Answer Logical(const Node& n, bool decides) {
    std::optional<Error> wrong;
    for (const auto& kid : n.kids) {
      auto side = Visit(*kid);
      const auto* b = side ? side->As<bool>() : nullptr;
      if (b != nullptr && *b == decides) return Value(decides);
      if (b == nullptr && !wrong) wrong = side ? NotABool(*side) : side.error();
    }
    if (wrong) return *wrong;
    return Value(!decides);
  }

  Answer Ternary(const Node& n) {
    auto condition = Visit(*n.kids[0]);
    if (!condition) return condition;
    const auto* b = condition->As<bool>();
    if (b == nullptr) return NotABool(*condition);
    return Visit(*n.kids[*b ? 1 : 2]);
  }

  Answer Call(const Node& n) {
    if (n.name == "_&&_") return Logical(n, false);
    if (n.name == "_||_") return Logical(n, true);
    if (n.name == "_?_:_") return Ternary(n);
    std::vector<Value> given;
    for (const auto& kid : n.kids) {
      auto value = Visit(*kid);
      if (!value) return value;
      given.push_back(std::move(*value));
    }
    if (given.size() == 2) return OfTwo(n, given[0], given[1]);
    if (given.size() == 1) return OfOne(n, given[0]);
    return NoSuchFunction(n.name, given);
  }

  Answer OfOne(const Node& n, const Value& a) {
    if (n.name == "!_") {
      const auto* b = a.As<bool>();
      if (b == nullptr) return NoSuchFunction(n.name, {a});
      return Value(!*b);
    }
    if (n.name == "-_") return Negated(a);
    if (n.name == "size") return Size(a);
    if (n.name == "dyn") return a;
    if (n.name == "string" || n.name == "int" || n.name == "uint" || n.name == "double" ||
        n.name == "bool")
      return Converted(n.name, a);
    return NoSuchFunction(n.name, {a});
  }

  Answer OfTwo(const Node& n, const Value& a, const Value& b) {
    const std::string& f = n.name;
    if (f == "_==_") return Value(Equal(a, b, budget_));
    if (f == "_!=_") return Value(!Equal(a, b, budget_));
    if (f == "_[_]") return Index(a, b);
    if (f == "_in_") return In(a, b);
    if (f == "_<_" || f == "_<=_" || f == "_>_" || f == "_>=_") {
      const auto order = Compare(a, b);
      if (!order) return order.error();
      return Value(f[1] == '<' ? (f[2] == '=' ? *order <= 0 : *order < 0)
                               : (f[2] == '=' ? *order >= 0 : *order > 0));
    }
    if (f.starts_with('_')) return Sum(f, a, b);
    const auto* text = a.As<std::string>();
    const auto* other = b.As<std::string>();
    if (text == nullptr || other == nullptr) return NoSuchFunction(f, {a, b});
    return OfTexts(f, *text, *other, budget_);
  }

  Answer Sum(const std::string& function, const Value& a, const Value& b) {
    for (const Value* side : {&a, &b})
      if (const auto* list = side->As<List>(); list != nullptr && !PayForItems(*list))
        return TooMuch();
    return Arithmetic(function, a, b);
  }

  Answer Index(const Value& of, const Value& index) {
    if (const auto* object = of.As<ObjectPtr>()) {
      const auto* name = index.As<std::string>();
      return name != nullptr ? Read(*object, *name) : NoSuchFunction("[]", {of, index});
    }
    if (const auto* map = of.As<Map>()) {
      if (const Value* found = Find(*map, index, budget_)) return *found;
      return Invalid("no such key: " + Written(index, 80));
    }
    const auto* list = of.As<List>();
    if (list == nullptr) return NoSuchFunction("[]", {of, index});
    const auto i = IndexOf(index);
    if (!i) return NoSuchFunction("[]", {of, index});
    if (*i < 0 || static_cast<std::size_t>(*i) >= (*list)->size())
      return Invalid("index " + std::to_string(*i) + " is not in a list of " +
                     std::to_string((*list)->size()));
    return (**list)[static_cast<std::size_t>(*i)];
  }

  Answer In(const Value& a, const Value& b) {
    if (const auto* map = b.As<Map>()) return Value(Find(*map, a, budget_) != nullptr);
    const auto* list = b.As<List>();
    if (list == nullptr) return NoSuchFunction("_in_", {a, b});
    return Value(std::any_of((*list)->begin(), (*list)->end(),
                             [&](const Value& item) { return Equal(item, a, budget_); }));
  }

  Answer ListValue(const Node& n) {
    std::vector<Value> items;
    for (const auto& kid : n.kids) {
      auto item = Visit(*kid);
      if (!item) return item;
      items.push_back(std::move(*item));
    }
    return Value(List(std::make_shared<const std::vector<Value>>(std::move(items))));
  }

  Answer MapValue(const Node& n) {
    std::vector<std::pair<Value, Value>> entries;
    for (std::size_t i = 0; i + 1 < n.kids.size(); i += 2) {
      auto key = Visit(*n.kids[i]);
      if (!key) return key;
      auto value = Visit(*n.kids[i + 1]);
      if (!value) return value;
      const std::size_t before = PlaceOf(entries, *key, budget_);  // the last wins
      if (before < entries.size())
        entries.erase(entries.begin() + static_cast<std::ptrdiff_t>(before));
      entries.emplace_back(std::move(*key), std::move(*value));
    }
    return Value(
        Map(std::make_shared<const std::vector<std::pair<Value, Value>>>(std::move(entries))));
  }

  using Items = std::vector<const Value*>;  // of a range that lives longer

  // The items of a list, the keys of a map.
  static std::optional<Items> ItemsOf(const Value& range) {
    Items items;
    if (const auto* list = range.As<List>()) {
      for (const Value& item : **list) items.push_back(&item);
    } else if (const auto* map = range.As<Map>()) {
      for (const auto& [key, value] : **map) items.push_back(&key);
    } else {
      return std::nullopt;
    }
    return items;
  }

  Answer Macro(const Node& n) {
    auto range = Visit(*n.kids[0]);
    if (!range) return range;
    const auto items = ItemsOf(*range);
    if (!items) return NoSuchFunction(n.name, {*range});
    if (!budget_.Pay(items->size() / 10)) return TooMuch();
    if (n.name == "all") return Every(n, *items, true);
    if (n.name == "exists") return Every(n, *items, false);
    return Collect(n, *items);
  }

  Answer With(const Node& n, const Value& item, const Node& body) {
    scope_.emplace_back(n.variable, &item);
    auto out = Visit(body);
    scope_.pop_back();
    return out;
  }

  // all (`end` is true) and exists: an item that decides hides the errors of others.
  Answer Every(const Node& n, const Items& items, bool end) {
    std::optional<Error> wrong;
    for (const Value* item : items) {
      auto one = With(n, *item, *n.kids[1]);
      const auto* b = one ? one->As<bool>() : nullptr;
      if (b != nullptr && *b != end) return Value(!end);
      if (b == nullptr) wrong = one ? NotABool(*one) : one.error();
      if (budget_.IsSpent()) return TooMuch();
    }
    if (wrong) return *wrong;
    return Value(end);
  }

  // exists_one, filter, map.
  Answer Collect(const Node& n, const Items& items) {
    std::vector<Value> out;
    const bool is_map = n.name == "map";
    for (const Value* item : items) {
      if (!is_map || n.kids.size() == 3) {
        auto wanted = With(n, *item, *n.kids[1]);
        if (!wanted) return wanted;
        const auto* b = wanted->As<bool>();
        if (b == nullptr) return NotABool(*wanted);
        if (!*b) continue;
      }
      if (!is_map && !PayForCopy(*item)) return TooMuch();
      auto made = is_map ? With(n, *item, *n.kids.back()) : Answer(*item);
      if (!made) return made;
      out.push_back(std::move(*made));
    }
    if (n.name == "exists_one") return Value(out.size() == 1);
    return Value(List(std::make_shared<const std::vector<Value>>(std::move(out))));
  }

  const std::map<std::string, Value>& variables_;
  std::vector<std::pair<std::string, const Value*>> scope_;
  std::map<std::pair<ObjectPtr, std::string>, Answer> read_;
  Budget budget_{kMaxCost};
};

}  // namespace

Result<Value> Evaluate(const Expression& expression,
                       const std::map<std::string, Value>& variables) {
  return Evaluator(variables).Visit(expression.root());
}

}  // namespace penstock::plan::expression
