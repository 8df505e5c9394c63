#include "components/query/duckdb.h"

#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <sstream>

#include "operator/base/try.h"
#include "operator/os/command.h"

namespace penstock::query {
namespace {

namespace fs = std::filesystem;

std::string ListOf(const std::vector<std::string>& texts) {
  std::string out;
  for (const auto& t : texts) out += (out.empty() ? "" : ", ") + Literal(t);
  return "[" + out + "]";
}

// Ours without what changes answers by the machine: its time zone and its locale.
std::vector<std::string> Environment() {
  std::vector<std::string> environment;
  for (auto& variable : OwnEnvironment()) {
    const bool local = variable.starts_with("TZ=") || variable.starts_with("LC_") ||
                       variable.starts_with("LANG=") || variable.starts_with("LANGUAGE=");
    if (!local) environment.push_back(std::move(variable));
  }
  environment.emplace_back("TZ=UTC");
  environment.emplace_back("LC_ALL=C");
  return environment;
}

// Signals that end this process end DuckDB too: it is in our group, and dies with us. What it
// prints goes to our stdout.
Result<CommandEnd> RunScripts(const std::string& duckdb, const std::vector<std::string>& scripts,
                              const CommandLimits& limits = {.pass_output = true}) {
  ChildOptions options;
  options.argv = {duckdb,   "-init", "/dev/null", "-no-stdin",
                  "-batch", "-bail", "-list",     "-noheader"};
  for (const auto& script : scripts) {
    options.argv.emplace_back("-c");
    options.argv.push_back(script);
  }
  options.environment = Environment();
  options.group = ChildGroup::kOurs;
  options.death_signal = SIGKILL;
  StartFailure failure;
  auto end = RunCommand(std::move(options), limits, &failure);
  if (!end && failure.stage == StartFailure::kExec) return Invalid(duckdb + ": cannot be run");
  if (end && !end->exit) {
    return Invalid("sql: it took longer than " + std::to_string(limits.time->count() / 1000) +
                   " s and was ended");
  }
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
  const auto end = RunScripts(duckdb, {SetupScript(plan), "EXPLAIN\n" + plan.sql}, {});
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

// What DuckDB complained of, of the user's text.
Error ErrorOf(const std::string& duckdb, const QueryPlan& plan, const CommandEnd& end) {
  // A place in what we made of the text is none in the text.
  const std::string message = SummariseError(end.error, std::numeric_limits<int>::max());
  const Complaint complaint = ComplaintOf(message);
  if (complaint == Complaint::kDiskFull) return Transient("sql: " + message);
  // EXPLAIN takes several statements, and would say nothing of them.
  const std::string placed = complaint == Complaint::kNotOneSelect ? "" : Diagnose(duckdb, plan);
  return Invalid("sql: " + (placed.empty() ? message : placed));
}

// NaN is null to every component, and so it is here. What has no type in any part is a text.
std::string ViewColumns(const QueryView& view) {
  std::string replaced;
  const auto replace = [&](const std::string& name, const std::string& by) {
    replaced += (replaced.empty() ? "" : ", ") + by + " AS " + Identifier(name);
  };
  for (const auto& name : view.floats) {
    const std::string column = Identifier(name);
    replace(name,
            "CASE WHEN isnan(CAST(" + column + " AS DOUBLE)) THEN NULL ELSE " + column + " END");
  }
  for (const auto& name : view.untyped) {
    replace(name, "CAST(" + Identifier(name) + " AS VARCHAR)");
  }
  return replaced.empty() ? "*" : "* REPLACE (" + replaced + ")";
}

// The questions of Inspect, each answered by one JSON text behind a line of its own.
constexpr const char* kMark = "-- penstock --";

std::vector<std::string> InspectScripts(const QueryPlan& plan) {
  const std::string text = Literal(plan.sql);
  const std::string mark = std::string(".print ") + Literal(kMark);
  const std::string unstable_functions =
      "SELECT to_json(list(DISTINCT function_name)) FROM duckdb_functions() WHERE stability IN "
      "('VOLATILE', 'CONSISTENT_WITHIN_QUERY');";
  // The type of a null that nobody gave one is told by typeof alone: the outer join has one row.
  // query() renames columns that are one name; the text itself, once query() took it for a single
  // SELECT, says what they are called (but for SHOW, SUMMARIZE and DESCRIBE, which come last).
  return {SetupScript(plan),
          "SELECT to_json(list(column_name)) FROM (DESCRIBE FROM query(" + text + "));",
          mark,
          unstable_functions,
          mark,
          "SELECT json_serialize_sql(" + text + ");",
          mark,
          "EXPLAIN (FORMAT json) FROM query(" + text + ");",
          mark,
          ".mode json",
          "SELECT typeof(COLUMNS(q.*)) FROM (SELECT 1) LEFT JOIN (FROM query(" + text +
              ") LIMIT 0) q ON true;",
          ".mode list",
          mark,
          "SELECT to_json(list(column_name)) FROM (DESCRIBE\n" + plan.sql + "\n);"};
}

// The JSON texts between the marks; EXPLAIN draws a box above its own.
constexpr std::size_t kAnswers = 6;

std::size_t CountMarks(const std::string& output) {
  std::size_t count = 0;
  for (auto at = output.find(kMark); at != std::string::npos; at = output.find(kMark, at + 1)) {
    ++count;
  }
  return count;
}

// Behind what DuckDB may say before it, in colours: of the first line that begins as JSON does.
std::string JsonIn(const std::string& answer) {
  for (std::size_t at = 0; at < answer.size(); at = answer.find('\n', at) + 1) {
    if (answer[at] == '[' || answer[at] == '{') return answer.substr(at);
    if (answer.find('\n', at) == std::string::npos) break;
  }
  return "";
}

Result<std::vector<Json>> ReadAnswers(const std::string& output, bool last_failed) {
  std::vector<Json> answers;
  const std::size_t expected = kAnswers - (last_failed ? 1 : 0);
  for (std::size_t at = 0; at != std::string::npos && answers.size() < expected;) {
    const auto end = output.find(kMark, at);
    const std::string answer = output.substr(at, end == std::string::npos ? end : end - at);
    Json json = Json::parse(JsonIn(answer), nullptr, false);
    if (json.is_discarded()) return Internal("duckdb did not say what it would do: " + answer);
    answers.push_back(std::move(json));
    at = end == std::string::npos ? end : end + std::string(kMark).size();
  }
  if (answers.size() != expected) return Internal("duckdb did not say what it would do");
  return answers;
}

}  // namespace

Result<Inspection> Inspect(const std::string& duckdb, const QueryPlan& plan) {
  CommandLimits limits;
  limits.bytes = 64 << 20;
  PENSTOCK_ASSIGN(const auto end, RunScripts(duckdb, InspectScripts(plan), limits));
  const bool failed = end.exit->ExitCode() != 0;
  if (failed && CountMarks(end.output) < kAnswers - 1) return ErrorOf(duckdb, plan, end);
  PENSTOCK_ASSIGN(auto answers, ReadAnswers(end.output, failed));
  Inspection inspection;
  const Json types = answers[4].is_array() && !answers[4].empty() ? answers[4][0] : Json::object();
  const Json& names = failed ? answers[0] : answers[5];
  for (std::size_t i = 0; i < answers[0].size(); ++i) {
    const std::string type = types.value(answers[0][i].get<std::string>(), "");
    inspection.columns.push_back({names.at(i), type});
  }
  inspection.unstable = answers[1].get<std::set<std::string>>();
  inspection.tree = std::move(answers[2]);
  inspection.plan = std::move(answers[3]);
  return inspection;
}

std::string SetupScript(const QueryPlan& plan) {
  std::ostringstream s;
  std::vector<std::string> files = {plan.output_file};
  s << "SET threads = " << plan.threads << "; SET memory_limit = " << Literal(plan.memory_limit)
    << "; SET temp_directory = " << Literal(plan.temporary_folder)
    << "; SET preserve_insertion_order = true; SET TimeZone = 'UTC'"
    << "; SET autoinstall_known_extensions = false; SET autoload_known_extensions = false"
    // Without it x -> x + 1 warns, on the output that we read.
    << "; SET lambda_syntax = 'ENABLE_SINGLE_ARROW'"
    << "; SET VARIABLE seeded = setseed(0.5);\n";
  for (const auto& view : plan.views) {
    s << "CREATE VIEW " << Identifier(view.name) << " AS SELECT " << ViewColumns(view)
      << " FROM read_parquet(" << ListOf(view.parts) << ", union_by_name = true);\n";
    files.insert(files.end(), view.parts.begin(), view.parts.end());
  }
  s << "SET allowed_paths = " << ListOf(files)
    << "; SET allowed_directories = " << ListOf({plan.temporary_folder + "/"})
    << "; SET enable_external_access = false; SET lock_configuration = true;\n";
  return s.str();
}

std::string QueryScript(const QueryPlan& plan) {
  return "COPY (SELECT " + plan.stored_columns + " FROM query(" + Literal(plan.sql) + ")) TO " +
         Literal(plan.output_file) +
         " (FORMAT parquet, USE_TMP_FILE false, COMPRESSION zstd, ROW_GROUP_SIZE 131072);";
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
  CommandLimits limits{.pass_output = true};
  if (plan.limit) limits.time = *plan.limit;
  PENSTOCK_ASSIGN(const auto end,
                  RunScripts(duckdb, {SetupScript(plan), QueryScript(plan)}, limits));
  if (end.exit->ExitCode() == 0) return {};
  return ErrorOf(duckdb, plan, end);
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
