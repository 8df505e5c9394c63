#include "components/query/duckdb.h"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include "operator/base/try.h"
#include "operator/os/command.h"

namespace penstock::query {
namespace {

namespace fs = std::filesystem;

std::string Quote(const std::string& text, char quote) {
  std::string out(1, quote);
  for (const char c : text) {
    if (c == quote) out += quote;
    out += c;
  }
  return out + quote;
}
std::string Literal(const std::string& text) { return Quote(text, '\''); }
std::string Identifier(const std::string& text) { return Quote(text, '"'); }

std::string ListOf(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& t : texts) out += (out.empty() ? "" : ", ") + Literal(t);
  return "[" + out + "]";
}

// Signals that end this process end DuckDB too: it is in our group, and dies with us. What it
// prints goes to our stdout.
Result<CommandEnd> RunScripts(const std::string& duckdb, const std::vector<std::string>& scripts) {
  ChildOptions options;
  options.argv = {duckdb, "-init", "/dev/null", "-no-stdin", "-batch", "-bail"};
  for (const auto& script : scripts) {
    options.argv.emplace_back("-c");
    options.argv.push_back(script);
  }
  options.environment = OwnEnvironment();
  options.group = ChildGroup::kOurs;
  options.death_signal = SIGKILL;
  StartFailure failure;
  auto end = RunCommand(std::move(options), {.pass_output = true}, &failure);
  if (!end && failure.stage == StartFailure::kExec) return Invalid(duckdb + ": cannot be run");
  if (end && end->exit->signal == SIGKILL) {
    return Internal(duckdb + ": was killed, probably for want of memory");
  }
  return end;
}

bool IsProgram(const fs::path& path) {
  return !path.empty() && fs::is_regular_file(path) && ::access(path.c_str(), X_OK) == 0;
}

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Why the text is wrong, with the place: the user's text alone, so that DuckDB counts from its
// beginning. Empty when EXPLAIN finds nothing wrong (the fault came at run time).
std::string Diagnose(const std::string& duckdb, const QueryPlan& plan) {
  const auto end = RunScripts(duckdb, {SetupScript(plan), "EXPLAIN\n" + plan.sql});
  return end && end->exit->ExitCode() != 0 ? SummariseError(end->error, 2) : "";
}

enum class Complaint : std::uint8_t { kOther, kDiskFull, kNotOneSelect };

// What DuckDB complains of. Only its words tell: a program's error output is text. Tests have it
// say each, and fail when the words change.
Complaint ComplaintOf(const std::string& message) {
  if (message.find("No space left") != std::string::npos) return Complaint::kDiskFull;
  if (message.find("single SELECT") != std::string::npos) return Complaint::kNotOneSelect;
  return Complaint::kOther;
}

}  // namespace

std::string SetupScript(const QueryPlan& plan) {
  std::ostringstream s;
  std::vector<std::string> files = {plan.output_file};
  s << "SET threads = " << plan.threads << "; SET memory_limit = " << Literal(plan.memory_limit)
    << "; SET temp_directory = " << Literal(plan.temporary_folder)
    << "; SET preserve_insertion_order = true; SET TimeZone = 'UTC'"
    << "; SET autoinstall_known_extensions = false; SET autoload_known_extensions = false;\n";
  for (const auto& [name, parts] : plan.views) {
    s << "CREATE VIEW " << Identifier(name) << " AS SELECT * FROM read_parquet(" << ListOf(parts)
      << ");\n";
    files.insert(files.end(), parts.begin(), parts.end());
  }
  s << "SET allowed_paths = " << ListOf(files)
    << "; SET allowed_directories = " << ListOf({plan.temporary_folder + "/"})
    << "; SET enable_external_access = false; SET lock_configuration = true;\n";
  return s.str();
}

std::string QueryScript(const QueryPlan& plan) {
  return "COPY (FROM query(" + Literal(plan.sql) + ")) TO " + Literal(plan.output_file) +
         " (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 131072);";
}

Result<std::string> FindDuckdb() {
  std::vector<fs::path> candidates = {Variable("PENSTOCK_DUCKDB")};
  if (!candidates.front().empty()) {
    if (IsProgram(candidates.front())) return candidates.front().string();
    return NotFound("PENSTOCK_DUCKDB=" + candidates.front().string() + " is no program");
  }
  std::error_code error;
  candidates.push_back(fs::read_symlink("/proc/self/exe", error).parent_path() / "duckdb");
  std::istringstream path(Variable("PATH"));
  for (std::string folder; std::getline(path, folder, ':');) {
    candidates.push_back(fs::path(folder) / "duckdb");
  }
  const std::string deps = Variable("PENSTOCK_DEPS");
  candidates.push_back(
      (deps.empty() ? fs::path(Variable("HOME")) / ".cache/penstock/deps" : fs::path(deps)) /
      "duckdb_cli/duckdb");
  for (const auto& candidate : candidates) {
    if (IsProgram(candidate)) return candidate.string();
  }
  return NotFound("there is no duckdb program: put it in PATH or name it in PENSTOCK_DUCKDB");
}

Result<void> RunQueryPlan(const std::string& duckdb, const QueryPlan& plan) {
  PENSTOCK_ASSIGN(const auto end, RunScripts(duckdb, {SetupScript(plan), QueryScript(plan)}));
  if (end.exit->ExitCode() == 0) return {};
  const std::string message = SummariseError(end.error, 1);
  const Complaint complaint = ComplaintOf(message);
  if (complaint == Complaint::kDiskFull) return Transient("sql: " + message);
  // EXPLAIN takes several statements, and would say nothing of them.
  const std::string placed = complaint == Complaint::kNotOneSelect ? "" : Diagnose(duckdb, plan);
  return Invalid("sql: " + (placed.empty() ? message : placed));
}

std::string SummariseError(const std::string& text, int first_line) {
  std::istringstream lines(text);
  std::string message;
  std::string place;
  std::string line;
  while (std::getline(lines, line)) {
    if (line.rfind("LINE ", 0) == 0) {
      const auto colon = line.find(": ");
      const int number = std::atoi(line.c_str() + 5) - first_line + 1;
      std::string caret;
      std::getline(lines, caret);
      const auto at = caret.find('^');
      // DuckDB cuts long lines with "..."; then the column is not known.
      if (colon == std::string::npos || at == std::string::npos || number < 1) continue;
      place = " (line " + std::to_string(number);
      if (line.compare(colon + 2, 3, "...") != 0) {
        place += ", column " + std::to_string(at - colon - 1);
      }
      place += ")";
    } else if (!line.empty()) {
      message += (message.empty() ? "" : " ") + line;
    }
  }
  return message.empty() ? "duckdb failed without a message" : message + place;
}

}  // namespace penstock::query
