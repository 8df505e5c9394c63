#include "components/ingest/parts/unite.h"

#include <arrow/api.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <unordered_map>

#include "components/ingest/parts/widen.h"
#include "components/sdk/arrow_types.h"
#include "operator/base/json.h"
#include "operator/base/nearest.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

using TypePtr = std::shared_ptr<arrow::DataType>;

std::string Quoted(const std::string& name) { return "'" + plan::Shown(name, 120) + "'"; }

// A column as the parts have it.
struct Found {
  std::string name;
  std::string part;            // the first that has values of it
  TypePtr source;              // there; null while no part has any
  TypePtr type;                // stored, wide enough for all so far
  std::size_t count = 0;       // of parts that have it
  std::string extension = {};  // what the values stand for by another program's word: pandas.period
};

// The name of an extension type that Arrow does not know, or that it keeps as something else.
std::string ExtensionOf(const arrow::Field& field) {
  if (field.type()->id() == arrow::Type::EXTENSION) {
    return static_cast<const arrow::ExtensionType&>(*field.type()).extension_name();
  }
  if (field.metadata() == nullptr) return "";
  return field.metadata()->Get("ARROW:extension:name").ValueOr("");
}

Result<void> CheckNames(const PartSchema& part) {
  std::set<std::string> seen;
  std::size_t place = 0;
  for (const auto& field : part.schema->fields()) {
    ++place;
    const std::string& name = field->name();
    const std::string which = part.name + ": column " + std::to_string(place);
    if (name.empty()) return Invalid(which + " has no name; name it where the file is written");
    if (!IsUtf8(name)) return Invalid(which + ": its name " + Quoted(name) + " is no UTF-8");
    if (!seen.insert(name).second) {
      return Invalid(part.name + ": column " + Quoted(name) + " stands twice");
    }
  }
  return {};
}

// Names of indices that pandas made up, by the file's own word.
std::set<std::string> PandasIndices(const arrow::Schema& schema) {
  std::set<std::string> names;
  const auto& metadata = schema.metadata();
  if (metadata == nullptr) return names;
  const auto text = metadata->Get("pandas");
  if (!text.ok()) return names;
  const auto json = ParseJson(*text, "pandas");
  if (!json || !json->is_object() || !json->contains("index_columns")) return names;
  for (const auto& index : (*json)["index_columns"]) {
    if (!index.is_string()) continue;  // a range, which is no column
    const auto name = index.get<std::string>();
    if (name.starts_with("__index_level_") && name.ends_with("__")) names.insert(name);
  }
  return names;
}

class Uniter {
 public:
  Uniter(const std::vector<PartSchema>& parts, const Wishes& wishes)
      : parts_(parts), wishes_(wishes) {}

  Result<UnitePlan> Run() {
    for (const auto& part : parts_) {
      PENSTOCK_TRY(CheckNames(part));
      for (const auto& name : PandasIndices(*part.schema)) indices_.insert(name);
    }
    PENSTOCK_TRY(ChooseColumns());
    PENSTOCK_TRY(CheckWishes());
    for (const auto& part : parts_) PENSTOCK_TRY(AddPart(part));
    return Finish();
  }

 private:
  [[nodiscard]] std::vector<std::string> AllNames() const {
    std::vector<std::string> names;
    std::set<std::string> seen;
    for (const auto& part : parts_) {
      for (const auto& field : part.schema->fields()) {
        if (seen.insert(field->name()).second) names.push_back(field->name());
      }
    }
    return names;
  }

  // What is wanted of what there is.
  Result<void> ChooseColumns() {
    const auto all = AllNames();
    const std::set<std::string> known(all.begin(), all.end());
    for (const auto& name : wishes_.columns) {
      if (!known.contains(name)) return Unknown("parameter columns", name, all);
    }
    if (wishes_.schema) PENSTOCK_TRY(ChooseByGivenSchema(known));
    const auto& chosen = wishes_.schema && wishes_.columns.empty() ? wishes_.schema->Names()
                         : wishes_.columns.empty()                 ? all
                                                                   : wishes_.columns;
    for (const auto& name : chosen) {
      if (wishes_.columns.empty() && !wishes_.schema && indices_.contains(name)) {
        plan_.notes.push_back("column " + Quoted(name) + " is pandas' index: left out");
        continue;
      }
      if (!places_.emplace(name, found_.size()).second) {
        return Invalid("parameter columns: " + Quoted(name) + " stands twice");
      }
      found_.push_back({.name = name, .part = "", .source = nullptr, .type = nullptr});
    }
    if (found_.empty()) return Invalid("no column is left");
    return {};
  }

  Result<void> ChooseByGivenSchema(const std::set<std::string>& known) {
    for (const auto& name : wishes_.columns) {
      if (wishes_.schema->Find(name) == nullptr) {
        return Unknown("the given schema", name, wishes_.schema->Names());
      }
    }
    if (!wishes_.columns.empty()) return {};
    for (const auto& name : wishes_.schema->Names()) {
      const bool absent = parts_.front().sparse && wishes_.schema->Find(name)->nullable;
      if (known.contains(name) || absent) continue;
      return Invalid("column " + Quoted(name) + " of the given schema is missing from the file" +
                     DidYouMean(name, std::vector<std::string>(known.begin(), known.end())));
    }
    for (const auto& name : known) {
      if (wishes_.schema->Find(name) != nullptr || indices_.contains(name)) continue;
      return Invalid("column " + Quoted(name) + " of the file is not in the given schema" +
                     DidYouMean(name, wishes_.schema->Names()) +
                     "; add it there, or name the columns to read in the parameter columns");
    }
    return {};
  }

  static Error Unknown(const std::string& where, const std::string& name,
                       const std::vector<std::string>& known) {
    std::string list;
    for (const auto& n : known) list += (list.empty() ? "" : ", ") + n;
    return Invalid(where + ": there is no column '" + plan::Shown(name, 120) + "'; there are " +
                   plan::Shown(list, 400) + DidYouMean(name, known));
  }

  Result<void> CheckWishes() const {
    std::vector<std::string> names;
    for (const auto& column : found_) names.push_back(column.name);
    for (const auto& [name, type] : wishes_.types) {
      if (!places_.contains(name)) return Unknown("parameter types", name, names);
    }
    for (const auto& [name, role] : wishes_.roles) {
      if (!places_.contains(name)) return Unknown("parameter roles", name, names);
    }
    return {};
  }

  Result<void> AddPart(const PartSchema& part) {
    for (const auto& field : part.schema->fields()) {
      const auto place = places_.find(field->name());
      if (place == places_.end()) continue;
      Found& column = found_[place->second];
      ++column.count;
      if (field->type()->id() == arrow::Type::NA) continue;
      if (auto ok = AddType(part, *field, column); !ok) {
        return Wrap(part.name + ": column " + Quoted(column.name), ok.error());
      }
    }
    return {};
  }

  Result<void> AddType(const PartSchema& part, const arrow::Field& field, Found& column) {
    const TypePtr stored = sdk::StoredType(field.type());
    if (stored == nullptr) {
      const bool nested = arrow::is_nested(field.type()->id());
      return Invalid("is a " + field.type()->ToString() + ", and datasets have no " +
                     (nested ? "nested columns: write its fields as columns of their own"
                             : "such columns: write it as a number or a text") +
                     ", or leave it out with the parameter columns");
    }
    const bool first = column.source == nullptr;
    if (first) {
      column.type = stored;
      column.source = field.type();
      column.part = part.name;
      column.extension = ExtensionOf(field);
    }
    const bool meets = Meets(*column.source, *field.type());
    // A person's word decides, but for the unit of durations, which no type has.
    const bool durations = IsDuration(*column.source) || IsDuration(*field.type());
    if (wishes_.types.contains(column.name) && (meets || !durations)) return {};
    if (wishes_.schema && meets) return FitsGiven(part, field);
    if (first) return {};
    column.type = meets ? Wider(column.type, stored) : nullptr;
    if (column.type != nullptr) return {};
    const bool helps = !wishes_.schema && !durations;
    return Invalid("is " + field.type()->ToString() + ", and " + column.source->ToString() +
                   " in " + column.part + "; no type keeps every value of both: write them alike" +
                   (helps ? ", or say which in types" : ""));
  }

  static bool IsDuration(const arrow::DataType& type) { return type.id() == arrow::Type::DURATION; }

  Result<void> FitsGiven(const PartSchema& part, const arrow::Field& field) const {
    const sdk::SchemaColumn& given = *wishes_.schema->Find(field.name());
    PENSTOCK_ASSIGN(const auto type, sdk::ParseTypeText(given.type));
    const bool other_unit = IsDuration(*field.type()) && !given.unit.empty() &&
                            given.unit != DurationUnit(*field.type());
    if (MayBecome(field.type(), type, part.text) && !other_unit) return {};
    return Invalid("is " + field.type()->ToString() + ", and the given schema says " + given.type +
                   (other_unit ? " in " + given.unit : ""));
  }

  Result<UnitePlan> Finish() {
    plan_.given = wishes_.schema.has_value();
    arrow::FieldVector fields;
    for (const auto& column : found_) {
      PENSTOCK_ASSIGN(const auto type, TypeOf(column));
      fields.push_back(arrow::field(column.name, type));
      sdk::SchemaColumn described{.name = column.name, .type = sdk::TypeText(*type)};
      if (wishes_.schema) described = *wishes_.schema->Find(column.name);
      if (const auto role = wishes_.roles.find(column.name); role != wishes_.roles.end()) {
        described.role = role->second;
      }
      const bool stored = column.source != nullptr && sdk::StoredType(column.source)->Equals(*type);
      if (stored) NoteSource(column, described);
      NoteMissing(column);
      plan_.described.columns.push_back(std::move(described));
    }
    NoteCase();
    plan_.target = arrow::schema(std::move(fields));
    return std::move(plan_);
  }

  [[nodiscard]] Result<TypePtr> TypeOf(const Found& column) {
    const auto wish = wishes_.types.find(column.name);
    if (wish != wishes_.types.end()) return sdk::ParseTypeText(wish->second);
    if (wishes_.schema) return sdk::ParseTypeText(wishes_.schema->Find(column.name)->type);
    return column.type == nullptr ? arrow::utf8() : column.type;
  }

  void NoteSource(const Found& column, sdk::SchemaColumn& described) {
    const auto note = [&](const std::string& what) {
      plan_.notes.push_back("column " + Quoted(column.name) + ": " + what);
    };
    const arrow::DataType& type = *column.source;
    if (!column.extension.empty()) {
      note("what stands for a " + plan::Shown(column.extension, 60) + " is kept as it is stored, " +
           described.type);
    }
    if (arrow::is_time(type.id())) note("times of day are kept as text");
    if (type.id() == arrow::Type::DURATION) {
      described.unit = DurationUnit(type);
      note("durations are kept as int64, in " + described.unit);
    }
    if (type.id() != arrow::Type::TIMESTAMP) return;
    const auto& time = static_cast<const arrow::TimestampType&>(type);
    if (time.unit() == arrow::TimeUnit::NANO) note("nanoseconds are cut to microseconds");
    if (!time.timezone().empty() && time.timezone() != "UTC") {
      note("times of the zone " + plan::Shown(time.timezone(), 60) + " are kept in UTC");
    }
  }

  static std::string DurationUnit(const arrow::DataType& type) {
    constexpr const char* kUnits[] = {"s", "ms", "us", "ns"};
    return kUnits[static_cast<std::size_t>(static_cast<const arrow::DurationType&>(type).unit())];
  }

  void NoteMissing(const Found& column) {
    if (column.count == parts_.size()) return;
    for (const auto& part : parts_) {
      if (part.schema->GetFieldIndex(column.name) >= 0) continue;
      plan_.notes.push_back("column " + Quoted(column.name) + " is missing from " + part.name +
                            (parts_.size() - column.count > 1
                                 ? " and " + std::to_string(parts_.size() - column.count - 1) +
                                       " more of " + std::to_string(parts_.size()) + " parts"
                                 : "") +
                            "; it is null there");
      return;
    }
  }

  void NoteCase() {
    std::map<std::string, std::string> lower;
    for (const auto& column : found_) {
      std::string name = column.name;
      std::transform(name.begin(), name.end(), name.begin(),
                     [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      const auto [at, added] = lower.emplace(name, column.name);
      if (added) continue;
      plan_.notes.push_back("columns " + Quoted(at->second) + " and " + Quoted(column.name) +
                            " differ by case only; to SQL they are one name");
    }
  }

  const std::vector<PartSchema>& parts_;
  const Wishes& wishes_;
  std::set<std::string> indices_;
  std::vector<Found> found_;
  std::unordered_map<std::string, std::size_t> places_;
  UnitePlan plan_;
};

}  // namespace

Result<UnitePlan> Unite(const std::vector<PartSchema>& parts, const Wishes& wishes) {
  return Uniter(parts, wishes).Run();
}

std::vector<std::string> ColumnsIn(const PartSchema& part, const UnitePlan& plan) {
  std::vector<std::string> names;
  for (const auto& field : plan.target->fields()) {
    if (part.schema->GetFieldIndex(field->name()) >= 0) names.push_back(field->name());
  }
  return names;
}

}  // namespace penstock::ingest
