#include "components/query/run.h"

#include <arrow/api.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "components/query/duckdb.h"
#include "components/query/sql.h"
#include "components/sdk/dataset.h"
#include "components/sdk/scratch_folder.h"
#include "operator/base/file.h"
#include "operator/base/try.h"
#include "operator/os/cgroup.h"

namespace penstock::query {
namespace {

namespace fs = std::filesystem;

// A share of the quota: the rest is for buffers that DuckDB does not count.
std::string MemoryLimit() {
  constexpr std::uint64_t kMebi = 1 << 20;
  return std::to_string(std::max<std::uint64_t>(128, UsableMemory() / 10 * 7 / kMebi)) + "MiB";
}

// OMP_NUM_THREADS (the launcher sets it, and a user may), else what the CPUs allow.
int ThreadCount() {
  const char* variable = std::getenv("OMP_NUM_THREADS");
  const int threads = variable == nullptr ? 0 : std::atoi(variable);
  return threads > 0 ? threads : UsableCpus();
}

// A column of a dataset: its name, and in which part it was first seen as what.
struct SeenColumn {
  std::string name;
  std::string type = "null";
  std::string part;
};

// Parts may differ in integers and floats, which are one as floats, and in columns that they lack.
bool Unite(SeenColumn& seen, const std::string& type, const std::string& part) {
  const auto is_number = [](const std::string& t) { return t == "int64" || t == "float64"; };
  if (type == "null" || type == seen.type) return true;
  if (seen.type == "null") {
    seen.type = type;
    seen.part = part;
    return true;
  }
  if (!is_number(type) || !is_number(seen.type)) return false;
  seen.type = "float64";
  return true;
}

// DuckDB reads a decimal of more digits than it has as a double, without a word.
Result<void> CheckDigits(const arrow::Field& field, const arrow::DataType& type) {
  constexpr int kMostDigits = 38;
  if (type.id() == arrow::Type::LIST) return CheckDigits(field, *type.field(0)->type());
  if (!arrow::is_decimal(type.id())) return {};
  const int digits = static_cast<const arrow::DecimalType&>(type).precision();
  if (digits <= kMostDigits) return {};
  return Invalid("column '" + field.name() + "' is a decimal of " + std::to_string(digits) +
                 " digits, and SQL has " + std::to_string(kMostDigits) +
                 " at most; where the dataset is made, keep it as text (types of ingest: string) "
                 "or leave it out");
}

using SeenColumns = std::map<std::string, SeenColumn>;  // by name as SQL folds it

Result<void> SeeParts(const std::vector<std::string>& parts, SeenColumns& columns) {
  for (const auto& part : parts) {
    PENSTOCK_ASSIGN(const auto reader, sdk::DatasetReader::Open(part));
    for (const auto& field : reader->source_schema()->fields()) {
      PENSTOCK_TRY(CheckDigits(*field, *field->type()));
    }
    std::set<std::string> in_this;
    for (const auto& field : reader->schema()->fields()) {
      const std::string folded = FoldedName(field->name());
      auto [at, is_new] = columns.try_emplace(folded, SeenColumn{field->name(), "null", part});
      if (at->second.name != field->name() || !in_this.insert(folded).second) {
        return Invalid("the columns '" + at->second.name + "' and '" + field->name() +
                       "' are one name in SQL; rename one where the dataset is made");
      }
      const auto known = sdk::ColumnTypeOf(*field->type());
      const std::string type = known ? Name(*known) : field->type()->ToString();
      if (!Unite(at->second, type, part)) {
        return Invalid("column '" + field->name() + "' is " + at->second.type + " in " +
                       at->second.part + " and " + type + " in " + part);
      }
    }
  }
  return {};
}

// The view of an input, and the names of its columns.
Result<std::pair<QueryView, std::vector<std::string>>> ReadView(const std::string& name,
                                                                const std::string& path) {
  QueryView view;
  view.name = name;
  PENSTOCK_ASSIGN(view.parts, sdk::DatasetParts(path));
  SeenColumns seen;
  PENSTOCK_TRY(SeeParts(view.parts, seen));
  std::vector<std::string> names;
  for (const auto& [folded, column] : seen) {
    names.push_back(column.name);
    if (column.type == "float64") view.floats.push_back(column.name);
    if (column.type == "null") view.untyped.push_back(column.name);
  }
  return std::pair(std::move(view), std::move(names));
}

Result<QueryPlan> MakePlan(const std::string& sql, const Datasets& datasets,
                           std::set<std::string>& columns) {
  QueryPlan plan;
  plan.sql = sql;
  // A trailing semicolon is a habit, not a second statement.
  while (!plan.sql.empty() && (std::isspace(static_cast<unsigned char>(plan.sql.back())) != 0 ||
                               plan.sql.back() == ';')) {
    plan.sql.pop_back();
  }
  for (const auto& [name, path] : datasets) {
    auto view = ReadView(name, fs::absolute(path).string());
    if (!view) return Wrap("input '" + name + "'", view.error());
    columns.insert(view->second.begin(), view->second.end());
    plan.views.push_back(std::move(view->first));
  }
  plan.memory_limit = MemoryLimit();
  return plan;
}

// Looks at what the text would do: how many threads may run it, and what its columns become. One
// thread cuts row groups otherwise than several, so that what several may run has two at least.
Result<void> Look(const std::string& duckdb, const std::set<std::string>& columns,
                  QueryPlan& plan) {
  PENSTOCK_ASSIGN(const auto inspection, Inspect(duckdb, plan));
  PENSTOCK_TRY(CheckFunctions(plan.sql, inspection, columns));
  PENSTOCK_ASSIGN(plan.stored_columns, StoredColumns(inspection.columns));
  plan.threads = IsTheSameOnManyThreads(inspection) ? std::max(2, ThreadCount()) : 1;
  return {};
}

}  // namespace

Result<std::string> RunSql(const std::string& sql, const Datasets& datasets,
                           const std::string& folder, std::optional<std::chrono::seconds> limit) {
  std::set<std::string> columns;
  PENSTOCK_ASSIGN(auto plan, MakePlan(sql, datasets, columns));
  PENSTOCK_ASSIGN(const auto duckdb, FindDuckdb());
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return FromErrno(folder, error.value());
  const fs::path absolute = fs::absolute(folder);
  PENSTOCK_ASSIGN(const auto scratch, sdk::ScratchFolder::Create(absolute / ".scratch"));
  plan.temporary_folder = scratch.path();
  plan.output_file = (absolute / "part-00000.parquet").string();
  plan.limit = limit;
  PENSTOCK_TRY(Look(duckdb, columns, plan));
  PENSTOCK_TRY(RunQueryPlan(duckdb, plan));
  return plan.output_file;
}

Result<void> RunQuery(sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  const std::string sql = p.RequiredString("sql");
  PENSTOCK_TRY(p.Finish());
  Datasets datasets;
  for (const auto& [name, input] : step.inputs()) {
    PENSTOCK_ASSIGN(datasets[name], step.InputPath(name));
  }
  if (datasets.empty()) return Invalid("input 'dataset' is missing");
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("dataset"));
  PENSTOCK_TRY(RunSql(sql, datasets, output));
  std::vector<sdk::Schema> sources;
  for (const auto& [name, path] : datasets) {
    PENSTOCK_ASSIGN(auto schema, sdk::DatasetSchema(path));
    sources.push_back(std::move(schema));
  }
  PENSTOCK_ASSIGN(const auto rows, sdk::DescribeDataset(fs::absolute(output).string(), sources));
  return step.WriteResult("rows", rows);
}

}  // namespace penstock::query
