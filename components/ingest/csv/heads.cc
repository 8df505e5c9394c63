#include "components/ingest/csv/heads.h"

#include <algorithm>

#include "operator/base/nearest.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

bool Has(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool HasAllNames(const CsvHead& head, const CsvOptions& options) {
  const auto has = [&](const std::string& name) { return Has(head.names, name); };
  return std::all_of(options.columns.begin(), options.columns.end(), has) &&
         std::all_of(options.types.begin(), options.types.end(),
                     [&](const auto& type) { return has(type.first); });
}

std::string Quoted(char delimiter) {
  return delimiter == '\t' ? "'\\t'" : "'" + std::string(1, delimiter) + "'";
}

}  // namespace

Error CsvHeads::In(std::size_t file, const Error& error) const {
  return files_.size() > 1 ? Wrap(files_[file].name, error) : error;
}

Result<CsvHead> CsvHeads::ReadOne(std::size_t file, std::optional<char> delimiter) const {
  DialectHints hints = options_.dialect;
  if (delimiter) hints.delimiter = delimiter;
  if (heads_[file].backslash) hints.backslash = true;
  PENSTOCK_ASSIGN(auto head, ReadCsvHead(files_[file].open, hints, {nulls_}));
  if (hints.header || head.dialect.header || HasAllNames(head, options_)) return head;
  // Somebody knows names: so there are some.
  hints.header = true;
  return ReadCsvHead(files_[file].open, hints, {nulls_});
}

// By the delimiter of the others, where its own records leave that open.
Result<CsvHead> CsvHeads::ReadAlike(std::size_t file) {
  PENSTOCK_ASSIGN(auto head, ReadOne(file, std::nullopt));
  if (!first_wide_ && head.names.size() > 1) first_wide_ = file;
  if (!first_wide_ || *first_wide_ == file) return head;
  const char others = heads_[*first_wide_].dialect.delimiter;
  if (head.dialect.delimiter == others) return head;
  const std::string written = others == '\t' ? "\\t" : std::string(1, others);
  if (head.names.size() == 1 || Has(head.dialect.also_fits, written)) return ReadOne(file, others);
  return Invalid("its values stand between " + Quoted(head.dialect.delimiter) + ", and those of " +
                 files_[*first_wide_].name + " between " + Quoted(others) +
                 ": files of one source are written alike; set the parameter delimiter if one of " +
                 "the two is wrong");
}

Result<void> CsvHeads::Read() {
  bool once_more = true;
  while (once_more) {
    const bool knew = first_wide_.has_value();
    names_.clear();
    named_.clear();
    for (std::size_t i = 0; i < files_.size(); ++i) {
      auto head = ReadAlike(i);
      if (!head) return In(i, head.error());
      if (auto ok = Add(i, *head); !ok) return In(i, ok.error());
    }
    // Files of one column before the first that says what stands between values.
    once_more = !knew && first_wide_.value_or(0) > 0;
  }
  return Choose();
}

Result<void> CsvHeads::Add(std::size_t file, const CsvHead& head) {
  Head& kept = heads_[file];
  kept.dialect = head.dialect;
  kept.names = &*headers_.insert(head.names).first;
  kept.skip = head.skip;
  kept.first_line = head.first_line;
  const Head& first = heads_.front();
  if (kept.dialect.header != first.dialect.header)
    return Invalid("its first line is taken for " +
                   std::string(kept.dialect.header ? "names" : "values") + ", and that of " +
                   files_.front().name + " for " + (first.dialect.header ? "names" : "values") +
                   ": set the parameter header, or write the files alike");
  if (!kept.dialect.header && kept.names->size() != first.names->size())
    return Invalid("its records have " + std::to_string(kept.names->size()) +
                   " values, and those of " + files_.front().name + " have " +
                   std::to_string(first.names->size()) + "; without a first line of names " +
                   "nothing says which are missing");
  return AddNames(file, head);
}

Result<void> CsvHeads::AddNames(std::size_t file, const CsvHead& head) {
  std::set<std::string_view> here;
  for (std::size_t field = 0; field < head.names.size(); ++field) {
    const std::string& name = head.names[field];
    // Of a name that stands twice the first counts, where it may stand at all.
    if (!here.insert(name).second) continue;
    if (!name.empty() && name == options_.reserved)
      return Invalid("column '" + name + "' is in the file, and column=" + name +
                     " of the URI asks for one of that name: name it otherwise there");
    const auto [at, added] = named_.try_emplace(name, Named{names_.size(), 0, 0});
    if (added && file > 0 && options_.columns.empty() && !IsNamed(name))
      return Invalid("column '" + plan::Shown(name, 120) + "' is not in " + files_.front().name +
                     " (" + files_[file].name + " has it)" + DidYouMean(name, names_) +
                     "; if it belongs to the table, name it in the parameter types, or in the " +
                     "input schema; or name the columns to read in the parameter columns");
    if (added) names_.push_back(name);
    at->second.seen |= head.seen[field];
    ++at->second.files;
  }
  return {};
}

bool CsvHeads::IsNamed(const std::string& column) const { return options_.types.contains(column); }

Error CsvHeads::Unknown(const std::string& parameter, const std::string& name) const {
  std::string list;
  for (const auto& n : names_) list += (list.empty() ? "" : ", ") + n;
  return Invalid("parameter " + parameter + ": there is no column '" + name + "'; there are " +
                 list);
}

Result<void> CsvHeads::Choose() {
  columns_.clear();
  const auto add = [&](const std::string& name) {
    CsvColumn column{name, 0, CsvType::kString, std::nullopt, nullptr, named_.at(name).seen};
    if (const auto told = options_.types.find(name); told != options_.types.end()) {
      column.told = told->second;
      if (const auto made = options_.made.find(name); made != options_.made.end())
        column.made = made->second;
      // Of what a told type makes of values, not of their looks.
      column.seen &= told->second == sdk::ColumnType::kTimestamp ? kSeenZoned : 0;
    }
    columns_.push_back(std::move(column));
  };
  for (const auto& name : options_.columns) {
    if (!named_.contains(name)) return Unknown("columns", name);
    add(name);
  }
  for (const auto& type : options_.types)
    if (!named_.contains(type.first)) return Unknown("types", type.first);
  if (options_.columns.empty())
    for (const auto& name : names_) add(name);
  return CheckNames();
}

// Of each header once.
Result<void> CsvHeads::CheckNames() const {
  std::set<const std::vector<std::string>*> checked;
  for (std::size_t i = 0; i < heads_.size(); ++i) {
    const Head& head = heads_[i];
    if (!checked.insert(head.names).second) continue;
    const std::string line = "CSV line " + std::to_string(head.first_line - 1) + ": ";
    for (const auto& column : columns_) {
      const auto times = std::count(head.names->begin(), head.names->end(), column.name);
      const auto at = std::find(head.names->begin(), head.names->end(), column.name);
      if (column.name.empty() && times > 0)
        return In(i, Invalid(line + "column " + std::to_string(at - head.names->begin() + 1) +
                             " has no name; name those to read by the parameter columns"));
      if (times > 1) return In(i, Invalid(line + "column '" + column.name + "' stands twice"));
    }
    const bool any = std::any_of(columns_.begin(), columns_.end(), [&](const CsvColumn& column) {
      return Has(*head.names, column.name);
    });
    if (!any) return In(i, Invalid("has none of the columns that are read"));
  }
  std::set<std::string_view> seen;
  for (const auto& column : columns_)
    if (!seen.insert(column.name).second)
      return Invalid("parameter columns: column '" + column.name + "' stands twice");
  return {};
}

CsvPlan CsvHeads::PlanOf(std::size_t file, const std::vector<CsvColumn>& columns, char decimal,
                         bool all_seen) const {
  const Head& head = heads_[file];
  CsvPlan plan{{head.dialect, RulesOf(nulls_, options_.dialect, head.dialect), all_seen},
               *head.names,
               {},
               head.skip,
               head.first_line,
               !options_.dialect.backslash && !head.dialect.backslash};
  plan.rules.dialect.decimal = decimal;
  std::map<std::string_view, std::size_t> fields;
  for (std::size_t field = 0; field < head.names->size(); ++field)
    fields.emplace((*head.names)[field], field);
  for (const auto& column : columns) {
    const auto at = fields.find(column.name);
    if (at == fields.end()) continue;
    plan.columns.push_back(column);
    plan.columns.back().field = at->second;
  }
  return plan;
}

std::vector<std::string> CsvHeads::Notes() const {
  std::vector<std::string> notes;
  for (const auto& column : columns_) {
    const std::size_t missing = files_.size() - named_.at(column.name).files;
    for (std::size_t i = 0; missing > 0 && i < heads_.size(); ++i) {
      if (Has(*heads_[i].names, column.name)) continue;
      notes.push_back("column '" + plan::Shown(column.name, 120) + "' is missing from " +
                      files_[i].name +
                      (missing > 1 ? " and " + std::to_string(missing - 1) + " more of " +
                                         std::to_string(files_.size()) + " files"
                                   : "") +
                      "; it is null there");
      break;
    }
  }
  return notes;
}

}  // namespace penstock::ingest
