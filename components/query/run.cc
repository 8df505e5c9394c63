#include "components/query/run.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "components/query/duckdb.h"
#include "components/sdk/dataset.h"
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

// A folder that is removed with the object.
class ScratchFolder {
 public:
  explicit ScratchFolder(fs::path path) : path_(std::move(path)) { fs::create_directories(path_); }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

Result<QueryPlan> MakePlan(const sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  QueryPlan plan;
  plan.sql = p.RequiredString("sql");
  PENSTOCK_TRY(p.Finish());
  // A trailing semicolon is a habit, not a second statement.
  while (!plan.sql.empty() && (std::isspace(static_cast<unsigned char>(plan.sql.back())) != 0 ||
                               plan.sql.back() == ';')) {
    plan.sql.pop_back();
  }
  for (const auto& [name, input] : step.inputs()) {
    PENSTOCK_ASSIGN(const auto path, step.InputPath(name));
    auto parts = sdk::DatasetParts(fs::absolute(path).string());
    if (!parts) return Wrap("input '" + name + "'", parts.error());
    plan.views.emplace_back(name, std::move(*parts));
  }
  if (plan.views.empty()) return Invalid("input 'dataset' is missing");
  plan.memory_limit = MemoryLimit();
  plan.threads = ThreadCount();
  return plan;
}

}  // namespace

Result<void> RunQuery(sdk::Step& step) {
  PENSTOCK_ASSIGN(auto plan, MakePlan(step));
  PENSTOCK_ASSIGN(const auto output, step.OutputPath("dataset"));
  PENSTOCK_ASSIGN(const auto duckdb, FindDuckdb());
  std::error_code error;
  fs::create_directories(output, error);
  if (error) return FromErrno(output, error.value());
  const fs::path folder = fs::absolute(output);
  {
    const ScratchFolder scratch(folder / ".scratch");
    plan.temporary_folder = scratch.path();
    plan.output_file = (folder / "part-00000.parquet").string();
    PENSTOCK_TRY(RunQueryPlan(duckdb, plan));
  }
  PENSTOCK_ASSIGN(const auto rows, sdk::DescribeDataset(folder.string()));
  return step.WriteResult("rows", rows);
}

}  // namespace penstock::query
