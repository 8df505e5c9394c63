// penstock describe, explain-cache and diff.
#include <ostream>

#include "operator/cli/commands.h"
#include "operator/cli/history/difference_text.h"
#include "operator/cli/history/run_archive.h"
#include "operator/cli/history/story_text.h"
#include "operator/cli/objects/object_table.h"
#include "operator/views/run/cache_story.h"
#include "operator/views/run/run_story.h"

namespace penstock::cli {
namespace {

using views::BeforeOf;
using views::ItemRuns;
using views::TellRun;

// The specs of what the story compares with.
Result<void> ReadSpecs(const RunArchive& archive, const KnownRun& run,
                       std::vector<KnownRun>& older) {
  for (const api::StepStatus& step : run.run.status.steps) {
    const KnownRun* before = BeforeOf(run, step.name, older);
    if (before == nullptr || step.cached) continue;
    const auto index = static_cast<std::size_t>(before - older.data());
    if (Result<void> read = archive.ReadSpec(older[index]); !read) return read;
  }
  return {};
}

// Of a looped step of which nobody knows whether it is a Pipeline: those that there are.
Result<ItemRuns> RunsOfItems(const RunArchive& archive, const KnownRun& run) {
  ItemRuns found;
  for (const api::StepStatus& step : run.run.status.steps) {
    const plan::ResolvedStep* known = run.resolved ? run.resolved->Find(step.name) : nullptr;
    if (!step.items || (known != nullptr && !known->nested)) continue;
    Result<std::vector<KnownRun>> runs = archive.OfItems(run, step.name);
    if (!runs) return runs.error();
    if (known != nullptr || !runs->empty()) found.emplace(step.name, *std::move(runs));
  }
  return found;
}

// True when it was written: the format is one of data.
bool WriteData(const Json& data, OutputFormat format, Session& session) {
  if (format != OutputFormat::kJson && format != OutputFormat::kYaml) return false;
  session.out << (format == OutputFormat::kJson ? ToJsonText({data}, true)
                                                : ToYamlText({data}, true));
  return true;
}

Result<OutputFormat> FormatOf(const std::string& output) {
  if (!output.empty() && output != "json" && output != "yaml") {
    return Invalid("output \"" + output + "\" is not known; choose json or yaml");
  }
  return ParseOutputFormat(output);
}

}  // namespace

int DescribeRun(const DescribeOptions& options, Session& session) {
  const Result<OutputFormat> format = FormatOf(options.output);
  if (!format) return session.Fail(kUsage, format.error().message);
  const Result<RunArchive> archive = RunArchive::Open(session);
  if (!archive) return session.Fail(kFailed, archive.error().message);
  const Result<KnownRun> run = archive->Find(options.run);
  if (!run) return session.Fail(kFailed, run.error().message);
  Result<std::vector<KnownRun>> older = archive->Before(*run);
  if (!older) return session.Fail(kFailed, older.error().message);
  if (Result<void> read = ReadSpecs(*archive, *run, *older); !read) {
    return session.Fail(kFailed, read.error().message);
  }
  const Result<ItemRuns> of_items = RunsOfItems(*archive, *run);
  if (!of_items) return session.Fail(kFailed, of_items.error().message);
  const Json story = TellRun(*run, *older, *of_items);
  if (!WriteData(story, *format, session)) session.out << StoryText(story, session.clock.Now());
  return kOk;
}

int ExplainStepCache(const ExplainCacheOptions& options, Session& session) {
  const Result<OutputFormat> format = FormatOf(options.output);
  if (!format) return session.Fail(kUsage, format.error().message);
  const Result<RunArchive> archive = RunArchive::Open(session);
  if (!archive) return session.Fail(kFailed, archive.error().message);
  const Result<KnownRun> run = archive->Find(options.run);
  if (!run) return session.Fail(kFailed, run.error().message);
  Result<std::vector<KnownRun>> older = archive->Before(*run);
  if (!older) return session.Fail(kFailed, older.error().message);
  const auto compared =
      views::ComparedWith(*run, options.step, *older, static_cast<std::size_t>(options.runs));
  for (const std::size_t index : compared)
    if (Result<void> read = archive->ReadSpec((*older)[index]); !read)
      return session.Fail(kFailed, read.error().message);
  const Result<Json> told = views::ExplainCache(*run, options.step, *older, compared);
  if (!told) return session.Fail(kFailed, told.error().message);
  if (!WriteData(*told, *format, session)) session.out << CacheText(*told);
  return kOk;
}

int DiffTwoRuns(const DiffOptions& options, Session& session) {
  const Result<OutputFormat> format = FormatOf(options.output);
  if (!format) return session.Fail(kUsage, format.error().message);
  const Result<RunArchive> archive = RunArchive::Open(session);
  if (!archive) return session.Fail(kFailed, archive.error().message);
  std::vector<KnownRun> runs;
  for (const std::string& name : {options.before, options.after}) {
    Result<KnownRun> run = archive->Find(name);
    if (!run) return session.Fail(kFailed, run.error().message);
    if (!run->resolved) {
      session.err << "note: what run " << run->run.meta.name
                  << " was made of is not kept: only its results are compared\n";
    }
    runs.push_back(*std::move(run));
  }
  const Json difference = DiffRuns(runs[0], runs[1]);
  if (WriteData(difference, *format, session)) return kOk;
  const Table table = DiffTable(difference);
  if (table.rows.empty()) {
    session.out << "nothing differs between " << runs[0].run.meta.name << " and "
                << runs[1].run.meta.name << "\n";
  } else {
    session.out << Format(table, static_cast<std::size_t>(session.width));
  }
  return kOk;
}

}  // namespace penstock::cli
