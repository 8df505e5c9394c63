#include "components/outside/conditions.h"

#include "operator/base/try.h"

namespace penstock::outside {
namespace {

namespace expression = plan::expression;

Result<expression::Expression> ParseOne(const std::string& name, const std::string& text,
                                        const std::vector<std::string>& known,
                                        expression::Type* type) {
  auto parsed = expression::Expression::Parse(text);
  if (!parsed) return Wrap(name, parsed.error());
  std::map<std::string, expression::Type> variables;
  for (const std::string& variable : known)
    variables[variable] = expression::Of(expression::Type::Kind::kDyn);
  std::vector<std::string> errors;
  *type = expression::Check(*parsed, variables, errors);
  if (errors.empty()) return parsed;
  std::string all;
  for (const std::string& one : errors) all += (all.empty() ? "" : "; ") + one;
  return Invalid(name + ": " + all);
}

Result<Json> ToJson(const expression::Value& value);

Result<Json> MapToJson(const expression::Map& map) {
  Json object = Json::object();
  for (const auto& [key, entry] : *map) {
    const auto* name = key.As<std::string>();
    if (name == nullptr) return Invalid("a key of it is no string");
    PENSTOCK_ASSIGN(object[*name], ToJson(entry));
  }
  return object;
}

Result<Json> ToJson(const expression::Value& value) {
  if (const auto* b = value.As<bool>()) return Json(*b);
  if (const auto* i = value.As<std::int64_t>()) return Json(*i);
  if (const auto* u = value.As<std::uint64_t>()) return Json(*u);
  if (const auto* d = value.As<double>()) return Json(*d);
  if (const auto* s = value.As<std::string>()) return Json(*s);
  if (const auto* map = value.As<expression::Map>()) return MapToJson(*map);
  if (const auto* list = value.As<expression::List>()) {
    Json items = Json::array();
    for (const expression::Value& item : **list) {
      PENSTOCK_ASSIGN(Json one, ToJson(item));
      items.push_back(std::move(one));
    }
    return items;
  }
  return Json();
}

}  // namespace

Variables VariablesOf(const Json& object) {
  Variables variables;
  for (const auto& [name, value] : object.items()) variables[name] = expression::FromJson(value);
  return variables;
}

Result<Condition> Condition::Parse(const std::string& name, const std::string& text,
                                   const std::vector<std::string>& known) {
  Condition condition;
  condition.name_ = name;
  condition.text_ = text;
  if (text.empty()) return condition;
  expression::Type type;
  PENSTOCK_ASSIGN(auto parsed, ParseOne(name, text, known, &type));
  if (type.kind != expression::Type::Kind::kBool && !expression::IsDyn(type))
    return Invalid(name + ": is a " + Name(type) + ", but a condition is true or false");
  condition.expression_.push_back(std::move(parsed));
  return condition;
}

Result<bool> Condition::Holds(const Variables& variables) const {
  if (expression_.empty()) return false;
  auto value = expression::Evaluate(expression_[0], variables);
  if (!value) return Invalid(name_ + " (" + text_ + "): " + value.error().message);
  if (const auto* holds = value->As<bool>()) return *holds;
  return Invalid(name_ + " (" + text_ + "): is " + expression::Written(*value) +
                 ", but a condition is true or false");
}

Result<Extraction> Extraction::Parse(const Json& results, const std::vector<std::string>& known) {
  Extraction all;
  for (const auto& [name, text] : results.items()) {
    const std::string what = "results." + name;
    if (!text.is_string()) return Invalid(what + ": is an expression, as a text");
    expression::Type ignored;
    PENSTOCK_ASSIGN(auto parsed, ParseOne(what, text.get<std::string>(), known, &ignored));
    all.expressions_.emplace_back(name, std::move(parsed));
  }
  return all;
}

Result<Json> Extraction::Values(const Variables& variables) const {
  Json values = Json::object();
  for (const auto& [name, one] : expressions_) {
    auto value = expression::Evaluate(one, variables);
    if (!value) return Invalid("results." + name + ": " + value.error().message);
    auto json = ToJson(*value);
    if (!json) return Wrap("results." + name, json.error());
    values[name] = std::move(*json);
  }
  return values;
}

}  // namespace penstock::outside
