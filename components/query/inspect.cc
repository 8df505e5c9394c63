#include "components/query/inspect.h"

#include <algorithm>
#include <functional>
#include <map>
#include <optional>

#include "operator/base/json_member.h"
#include "operator/base/try.h"

namespace penstock::query {
namespace {

using Names = std::set<std::string>;

std::string Quote(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}

// Every object of a tree.
void Visit(const Json& node, const std::function<void(const Json&)>& visit) {
  if (node.is_object()) visit(node);
  if (node.is_structured()) {
    for (const auto& child : node) Visit(child, visit);
  }
}

// They take their numbers from a generator that SetupScript seeds; one thread draws them in order.
bool IsSeeded(const std::string& function) {
  static const Names kSeeded = {"random", "uuid", "uuidv4", "gen_random_uuid", "setseed"};
  return kSeeded.contains(function);
}

// One value throughout our sessions, whatever DuckDB says of them in general.
bool IsConstantHere(const std::string& function) {
  static const Names kConstant = {"error",           "current_schema", "current_database",
                                  "current_schemas", "in_search_path", "current_catalog"};
  return kConstant.contains(function);
}

// Macros and functions that DuckDB does not count as unstable and that are: they ask the clock, the
// machine or its settings, or run a text that nobody saw.
bool AsksOutside(const std::string& function) {
  static const Names kOutside = {
      "ago",          "current_setting", "getenv", "pg_conf_load_time", "pg_postmaster_start_time",
      "txid_current", "getvariable",     "query"};
  return kOutside.contains(function);
}

// Names that SQL takes for functions where no column has them.
bool IsClockKeyword(const std::string& name) {
  static const Names kClock = {"current_timestamp", "current_date", "current_time", "localtime",
                               "localtimestamp"};
  return kClock.contains(name);
}

bool IsTableFunction(const std::string& function) {
  static const Names kKnown = {"range",      "generate_series", "unnest",    "repeat",
                               "repeat_row", "json_each",       "json_tree", "query_table"};
  return kKnown.contains(function);
}

// " (line 2, column 8)" of a byte of the text.
std::string Place(const std::string& sql, const Json& node) {
  if (!node.contains("query_location") || !node["query_location"].is_number_unsigned()) return "";
  const auto at = node["query_location"].get<std::uint64_t>();
  if (at >= sql.size()) return "";
  int line = 1;
  int column = 1;
  for (std::size_t i = 0; i < at; ++i) {
    const bool continues = (static_cast<unsigned char>(sql[i]) & 0xC0) == 0x80;
    column = sql[i] == '\n' ? 1 : column + (continues ? 0 : 1);
    line += sql[i] == '\n' ? 1 : 0;
  }
  return " (line " + std::to_string(line) + ", column " + std::to_string(column) + ")";
}

// Every name that the text gives: to columns, tables, lists of columns.
Names GivenNames(const Json& tree) {
  Names names;
  Visit(tree, [&](const Json& node) {
    names.insert(TextAt(node, "alias"));
    for (const char* list : {"aliases", "column_name_alias"}) {
      for (const auto& name : node.value(list, Json::array())) {
        if (name.is_string()) names.insert(name.get<std::string>());
      }
    }
  });
  return names;
}

const std::string* FindFolded(const Names& columns, const std::string& name) {
  const auto at = std::find_if(columns.begin(), columns.end(), [&](const std::string& column) {
    return FoldedName(column) == FoldedName(name);
  });
  return at == columns.end() ? nullptr : &*at;
}

// Is the last part of a name, which begins at a byte of the text, in quotes? t."ID".
bool IsQuoted(const std::string& sql, std::size_t begin, const std::string& name) {
  if (begin >= sql.size()) return false;  // DuckDB does not know where it stands
  const auto at = sql.find(Identifier(name), begin);
  if (at == begin || at == std::string::npos) return at == begin;
  return sql[at - 1] == '.' && sql.find_first_of("(), \t\n", begin) > at;
}

// The column that DuckDB would take for a quoted name which is no column's, or null.
const std::string* MeantByCase(const std::string& sql, const Json& node, const std::string& name,
                               const Names& columns, const Names& given) {
  const auto begin = node.value("query_location", std::uint64_t(0));
  if (columns.contains(name) || given.contains(name)) return nullptr;
  return IsQuoted(sql, begin, name) ? FindFolded(columns, name) : nullptr;
}

constexpr const char* kWriteAValue = "; write a value, such as $(parameters.until) of the run";

// What is wrong with a node of the tree; empty texts where it is none of the kind, or nothing is.
std::string ProblemOfCall(const Json& node, const Names& unstable) {
  const std::string called = FoldedName(TextAt(node, "function_name"));
  const bool is_unstable =
      unstable.contains(called) && !IsSeeded(called) && !IsConstantHere(called);
  const bool asks_clock =
      called == "age" && node.contains("children") && node["children"].size() == 1;
  if (!is_unstable && !asks_clock && !AsksOutside(called)) return "";
  return called + "() answers otherwise at another time or on another machine" + kWriteAValue;
}

std::string ProblemOfColumn(const std::string& sql, const Json& node, const Names& columns,
                            const Names& given) {
  const Json names = node.value("column_names", Json::array());
  if (TextAt(node, "class") != "COLUMN_REF" || names.empty() || !names.back().is_string()) {
    return "";
  }
  const std::string name = names.back();
  const std::string* meant = MeantByCase(sql, node, name, columns, given);
  if (meant != nullptr) {
    return "there is no column " + Identifier(name) + ", but one " + Identifier(*meant);
  }
  const bool is_clock = names.size() == 1 && IsClockKeyword(FoldedName(name));
  if (!is_clock || FindFolded(columns, name) != nullptr) return "";
  return name + " is another one at another time" + kWriteAValue;
}

std::string ProblemOfTable(const Json& node) {
  if (TextAt(node, "type") != "TABLE_FUNCTION" || !node.contains("function")) return "";
  const std::string table = FoldedName(TextAt(node["function"], "function_name"));
  return IsTableFunction(table) ? "" : table + "() is not there: a query reads its inputs only";
}

bool HasSeededFunction(const Json& tree) {
  bool found = false;
  Visit(tree, [&](const Json& node) { found |= IsSeeded(TextAt(node, "function_name")); });
  return found;
}

std::vector<std::string> TextsOf(const Json& value) {
  std::vector<std::string> texts;
  if (value.is_string()) texts.push_back(value);
  for (const auto& text : value.is_array() ? value : Json::array()) {
    texts.push_back(text.is_string() ? text.get<std::string>() : "?");
  }
  return texts;
}

// "min(#1)", "count_star()": exact in any order. A plain sum may be one of floats.
bool IsExactAggregate(const std::string& call) {
  static const Names kExact = {"count_star", "count",    "sum_no_overflow", "min",
                               "max",        "bool_and", "bool_or"};
  const auto open = call.find('(');
  return kExact.contains(call.substr(0, open)) && call.find("DISTINCT") == std::string::npos &&
         call.find("ORDER BY") == std::string::npos;
}

bool IsOrderedOperator(const Json& node) {
  static const Names kOrdered = {"PROJECTION",   "FILTER",     "PARQUET_SCAN",
                                 "READ_PARQUET", "DUMMY_SCAN", "EMPTY_RESULT"};
  static const Names kKeepsItsLeftSide = {"SEMI", "ANTI", "MARK"};
  std::string name = TextAt(node, "name");
  while (!name.empty() && name.back() == ' ') name.pop_back();
  const Json info = node.contains("extra_info") && node["extra_info"].is_object()
                        ? node["extra_info"]
                        : Json::object();
  if (kOrdered.contains(name)) return true;
  if (name == "HASH_JOIN") return kKeepsItsLeftSide.contains(TextAt(info, "Join Type"));
  if (name != "UNGROUPED_AGGREGATE") return false;
  const auto calls = TextsOf(info.value("Aggregates", Json()));
  return !calls.empty() && std::all_of(calls.begin(), calls.end(), IsExactAggregate);
}

bool IsOrdered(const Json& node) {
  if (!node.is_object() || !IsOrderedOperator(node)) return false;
  const Json children = node.value("children", Json::array());
  return std::all_of(children.begin(), children.end(), IsOrdered);
}

// The type in which a dataset holds a column of DuckDB's type, for a CAST.
std::optional<std::string> StoredType(const std::string& type) {
  static const Names kKept = {"BOOLEAN", "VARCHAR", "BIGINT",   "DOUBLE",
                              "DATE",    "BLOB",    "TIMESTAMP"};
  static const Names kInteger = {"TINYINT",  "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT",
                                 "UINTEGER", "UBIGINT",  "HUGEINT", "UHUGEINT", "BIGNUM"};
  static const Names kText = {"TIME", "TIME_NS", "UUID", "BIT", "JSON"};
  static const Names kTime = {"TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS"};
  if (type.ends_with("]")) {
    const auto element = StoredType(type.substr(0, type.rfind('[')));
    return element ? std::optional(*element + "[]") : std::nullopt;
  }
  if (kKept.contains(type) || type.starts_with("DECIMAL(")) return type;
  if (kInteger.contains(type)) return "BIGINT";
  if (kText.contains(type) || type.starts_with("ENUM(")) return "VARCHAR";
  if (kTime.contains(type)) return "TIMESTAMP";
  return type == "FLOAT" ? std::optional<std::string>("DOUBLE") : std::nullopt;
}

std::string Advice(const std::string& name, const std::string& type) {
  const std::string column = Identifier(name);
  if (type == "INTERVAL") return "write epoch(" + column + ") for seconds";
  if (type == "\"NULL\"") return "write CAST(NULL AS DOUBLE), or whatever type it has";
  if (type.starts_with("STRUCT(") && !type.ends_with("]")) {
    return "take its fields (" + column + ".field), or write CAST(to_json(" + column +
           ") AS VARCHAR)";
  }
  return "write CAST(" + column + " AS VARCHAR)";
}

std::string StoredExpression(const std::string& name, const std::string& type,
                             const std::string& stored) {
  static const Names kWide = {"UBIGINT", "HUGEINT", "UHUGEINT", "BIGNUM"};
  const std::string column = Identifier(name);
  if (kWide.contains(type)) {
    const std::string problem = "column '" + name + "': ";
    return "coalesce(TRY_CAST(" + column + " AS BIGINT), CASE WHEN " + column +
           " IS NOT NULL THEN CAST(error(" + Literal(problem) + " || CAST(" + column +
           " AS VARCHAR) || " +
           Literal(" does not fit an integer of 64 bits; write CAST(" + column + " AS DOUBLE)") +
           ") AS BIGINT) END)";
  }
  if (stored == "DOUBLE") {
    return "CASE WHEN isnan(" + column + ") THEN NULL ELSE CAST(" + column + " AS DOUBLE) END";
  }
  return type == stored ? column : "CAST(" + column + " AS " + stored + ")";
}

}  // namespace

std::string Literal(const std::string& text) { return Quote(text, '\''); }
std::string Identifier(const std::string& text) { return Quote(text, '"'); }

std::string FoldedName(std::string name) {
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = char(c - 'A' + 'a');
  }
  return name;
}

bool IsTheSameOnManyThreads(const Inspection& inspection) {
  return inspection.plan.is_array() && inspection.plan.size() == 1 &&
         IsOrdered(inspection.plan.front()) && !HasSeededFunction(inspection.tree);
}

Result<void> CheckFunctions(const std::string& sql, const Inspection& inspection,
                            const std::set<std::string>& known_columns) {
  const Names given = GivenNames(inspection.tree);
  std::string problem;
  Visit(inspection.tree, [&](const Json& node) {
    if (!problem.empty()) return;
    problem = ProblemOfCall(node, inspection.unstable);
    if (problem.empty()) problem = ProblemOfColumn(sql, node, known_columns, given);
    if (problem.empty()) problem = ProblemOfTable(node);
    if (!problem.empty()) problem += Place(sql, node);
  });
  if (!problem.empty()) return Invalid("sql: " + problem);
  return {};
}

Result<std::string> StoredColumns(const std::vector<Inspection::Column>& columns) {
  std::string list;
  std::map<std::string, std::string> names;
  for (const auto& [name, type] : columns) {
    const auto [at, is_new] = names.emplace(FoldedName(name), name);
    if (!is_new && at->second == name) {
      return Invalid("sql: two columns are called '" + name + "'; give one another name with AS");
    }
    if (!is_new) {
      return Invalid("sql: the columns '" + at->second + "' and '" + name +
                     "' are one name in SQL; give one another name with AS");
    }
    // The epoch of a time with a zone is UTC's already.
    const bool zoned = type == "TIMESTAMP WITH TIME ZONE";
    const auto stored = zoned ? std::optional<std::string>("TIMESTAMP") : StoredType(type);
    if (!stored) {
      return Invalid("sql: column '" + name + "' is of type " + type +
                     ", which no dataset holds; " + Advice(name, type));
    }
    const std::string expression =
        zoned ? Identifier(name) + " AT TIME ZONE 'UTC'" : StoredExpression(name, type, *stored);
    list += (list.empty() ? "" : ", ") + expression + " AS " + Identifier(name);
  }
  return list;
}

}  // namespace penstock::query
