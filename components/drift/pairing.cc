#include "components/drift/pairing.h"

#include <arrow/type.h>

#include <algorithm>
#include <set>

#include "components/sdk/arrow_types.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::drift {
namespace {

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool IsNumber(sdk::ColumnType type) {
  return type == sdk::ColumnType::kInt64 || type == sdk::ColumnType::kFloat64;
}

bool AreOfOneKind(const arrow::DataType& type, const arrow::DataType& other) {
  const auto canonical = sdk::ColumnTypeOf(type);
  const auto others = sdk::ColumnTypeOf(other);
  if (canonical && others)
    return *canonical == *others || (IsNumber(*canonical) && IsNumber(*others));
  if (canonical || others) return false;
  const auto* items = dynamic_cast<const arrow::BaseListType*>(&type);
  const auto* other_items = dynamic_cast<const arrow::BaseListType*>(&other);
  if (items != nullptr && other_items != nullptr)
    return AreOfOneKind(*items->value_type(), *other_items->value_type());
  return items == nullptr && other_items == nullptr;
}

bool IsListOfValues(const std::string& text) {
  const auto type = sdk::ParseTypeText(text);
  const auto* list = type ? dynamic_cast<const arrow::BaseListType*>(type->get()) : nullptr;
  return list != nullptr && sdk::ColumnTypeOf(*list->value_type());
}

// The canonical type of a stored one; none for lists and bytes.
std::optional<sdk::ColumnType> TypeOf(const sdk::SchemaColumn& column) {
  const auto type = sdk::ParseTypeText(column.type);
  return type ? sdk::ColumnTypeOf(**type) : std::nullopt;
}

Kind KindOf(sdk::ColumnType type) {
  switch (type) {
    case sdk::ColumnType::kInt64:
    case sdk::ColumnType::kFloat64:
      return Kind::kNumber;
    case sdk::ColumnType::kTimestamp:
      return Kind::kClock;
    case sdk::ColumnType::kString:
    case sdk::ColumnType::kBool:
      return Kind::kCategory;
  }
  return Kind::kCategory;
}

// Why a setting cannot look at values of a type so; empty where it can.
std::string Misfit(Kind as, sdk::ColumnType type) {
  if (as == Kind::kNumber && (type == sdk::ColumnType::kString || type == sdk::ColumnType::kBool)) {
    return "number needs numbers or times";
  }
  if (as == Kind::kText && type != sdk::ColumnType::kString) return "text needs texts";
  if (as == Kind::kClock && type != sdk::ColumnType::kTimestamp) return "clock needs times";
  return "";
}

bool IsLeftOut(sdk::Role role) {
  return role == sdk::Role::kId || role == sdk::Role::kGroup || role == sdk::Role::kWeight ||
         role == sdk::Role::kIgnored;
}

Result<void> CheckNames(const sdk::Schema& reference, const Options& options) {
  std::vector<std::pair<std::string, std::string>> named;
  for (const auto& name : options.columns) named.emplace_back("columns", name);
  for (const auto& name : options.ignore) named.emplace_back("ignore", name);
  for (const auto& [name, setting] : options.settings) named.emplace_back("settings", name);
  for (const auto& [parameter, name] : named) {
    if (reference.Find(name) != nullptr) continue;
    std::string known;
    for (const auto& other : reference.Names()) known += (known.empty() ? "" : ", ") + other;
    return Invalid("parameter " + parameter + ": the reference has no column '" + name +
                   "'; it has " + known);
  }
  return {};
}

class Pairer {
 public:
  Pairer(const sdk::Schema& current, const sdk::Schema& roles, const Options& options)
      : current_(current), roles_(roles), options_(options) {}

  Result<void> Add(const sdk::SchemaColumn& column) {
    const std::string& name = column.name;
    const bool named = Has(options_.columns, name);
    if ((!options_.columns.empty() && !named) || Has(options_.ignore, name)) return {};
    const auto setting = options_.settings.find(name);
    const bool is_set = setting != options_.settings.end();
    const Kind* const as = is_set && setting->second.as ? &*setting->second.as : nullptr;
    const auto* said = roles_.Find(name);
    const auto asked = options_.asked.find(name);
    if (as != nullptr && *as == Kind::kSkip) return Skip(name, "settings say skip");
    if (!named && !is_set && asked != options_.asked.end() && asked->second.ignore) {
      return Skip(name, "the schema says ignore");
    }
    if (!named && as == nullptr && said != nullptr && IsLeftOut(said->role)) {
      return Skip(name, std::string("its role is ") + sdk::Name(said->role));
    }
    const auto* other = current_.Find(name);
    if (other == nullptr) {
      pairing.missing.push_back(name);
      return {};
    }
    const auto type = TypeOf(column);
    const auto now = TypeOf(*other);
    if (!drift::AreOfOneKind(column.type, other->type)) {
      pairing.changed.push_back({name, column.type + " has become " + other->type});
      return {};
    }
    if (IsListOfValues(column.type) && IsListOfValues(other->type)) return AddList(column, as);
    if (!type || !now) return Skip(name, "nothing compares values of " + column.type);
    if (as != nullptr && !Misfit(*as, *type).empty()) {
      return Invalid("parameter settings." + name + ".as: " + Misfit(*as, *type) +
                     ", and the column is " + column.type);
    }
    return AddPair(name, as, *type);
  }

  Pairing pairing;

 private:
  Result<void> AddList(const sdk::SchemaColumn& column, const Kind* as) {
    if (as != nullptr && *as != Kind::kText) {
      return Invalid("parameter settings." + column.name +
                     ".as: a list is looked at as text, by "
                     "its items, and the column is " +
                     column.type);
    }
    const auto named = options_.NamedStatistic(column.name);
    if (named && !Fits(*named, Kind::kText)) {
      return Invalid(std::string("the statistic ") + Name(*named) + " of '" + column.name +
                     "' does not decide over a list; " + Fitting(Kind::kText) + " does");
    }
    pairing.pairs.push_back({.name = column.name, .kind = Kind::kText, .is_list = true});
    return {};
  }
  // A statistic that is named for a column of texts says whether words or values are looked at.
  Result<void> AddPair(const std::string& name, const Kind* as, sdk::ColumnType type) {
    const bool is_text = type == sdk::ColumnType::kString;
    const auto named = options_.NamedStatistic(name);
    Kind kind = as != nullptr ? *as : KindOf(type);
    if (as == nullptr && is_text && named == Statistic::kPresence) kind = Kind::kText;
    const auto setting = options_.settings.find(name);
    const bool by_parameter = setting != options_.settings.end() && setting->second.statistic;
    if (named && !Fits(*named, kind) && (by_parameter || as == nullptr)) {
      return Invalid((by_parameter
                          ? "parameter settings." + name + ".statistic: "
                          : "the schema's " + options_.asks + ".statistic of '" + name + "': ") +
                     Name(*named) + " does not decide over a " + Name(kind) +
                     ", which the column is; one of " + Fitting(kind) + " does");
    }
    pairing.pairs.push_back({name, kind, as == nullptr && is_text && !named, false});
    return {};
  }
  Result<void> Skip(const std::string& name, const std::string& why) {
    pairing.skipped.push_back({name, why});
    return {};
  }
  const sdk::Schema& current_;
  const sdk::Schema& roles_;
  const Options& options_;
};

}  // namespace

bool AreOfOneKind(const std::string& type, const std::string& other) {
  if (type == other) return true;
  const auto a = sdk::ParseTypeText(type);
  const auto b = sdk::ParseTypeText(other);
  return a && b && AreOfOneKind(**a, **b);
}

Error NothingCompared(const Pairing& pairing) {
  constexpr std::size_t kNamedColumns = 40;
  std::vector<std::string> reasons;
  for (const auto& said : pairing.skipped) {
    reasons.push_back(plan::Shown(said.column, 80) + ": " + said.why);
  }
  for (const auto& name : pairing.missing) {
    reasons.push_back(plan::Shown(name, 80) + ": current does not have it");
  }
  const std::size_t named = std::min(reasons.size(), kNamedColumns);
  std::string text = "drift: the reference and current have no column that can be compared";
  for (std::size_t i = 0; i < named; ++i) text += "; " + reasons[i];
  if (named < reasons.size()) {
    text += "; and " + std::to_string(reasons.size() - named) + " more";
  }
  return Invalid(text);
}

Result<Pairing> PairColumns(const sdk::Schema& reference, const sdk::Schema& current,
                            const sdk::Schema& roles, const Options& options) {
  PENSTOCK_TRY(CheckNames(reference, options));
  Pairer pairer(current, roles, options);
  for (const auto& column : reference.columns) PENSTOCK_TRY(pairer.Add(column));
  Pairing& pairing = pairer.pairing;
  for (const auto& column : current.columns) {
    if (reference.Find(column.name) == nullptr) pairing.added.push_back(column.name);
  }
  if (pairing.pairs.empty() && pairing.changed.empty()) {
    return NothingCompared(pairing);
  }
  return std::move(pairer.pairing);
}

}  // namespace penstock::drift
