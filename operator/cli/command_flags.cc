// Flags of the commands that have many; the others stand in command_line.cc.
#include <CLI/CLI.hpp>

#include "operator/cli/commands.h"

namespace penstock::cli {

void AddBackfillFlags(CLI::App& command, BackfillOptions& options) {
  command.add_option("pipeline", options.pipeline, "the Pipeline")->required();
  command.add_option("--from", options.from, "first time or date, like 2026-11-01")->required();
  command.add_option("--to", options.to, "last time, or date with its whole day")->required();
  command.add_option("--schedule", options.schedule,
                     "times of this schedule; default: the only one");
  command.add_option("--every", options.every, "times so far apart from --from on, like 24h");
  command
      .add_option("--reprocess", options.reprocess,
                  "times that have a run: none again, failed ones, all completed ones")
      ->check(CLI::IsMember({"none", "failed", "completed"}))
      ->default_str("none");
  command.add_option("--max-active", options.max_active, "runs at once")
      ->check(CLI::Range(1, 1000))
      ->default_str("1");
  command
      .add_option("-p,--parameter", options.parameters,
                  "name=value; text may hold $(run.scheduledTime)")
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false);
  command.add_flag("--dry-run", options.dry_run, "print the times and runs, make none");
}

void AddRerunFlags(CLI::App& command, RerunOptions& options) {
  const auto list = [&](const char* flag, std::vector<std::string>& values, const char* about) {
    command.add_option(flag, values, about)->take_all()->expected(1)->allow_extra_args(false);
  };
  command.add_option("run", options.run, "run that has ended, or pipeline for its newest run")
      ->required();
  list("--from", options.from,
       "a step that runs anew, whatever the cache holds, and all after it; what lies before is "
       "taken as the run has it");
  command.add_flag("--failed", options.failed,
                   "what failed or never ran because of it; the default of a run that failed");
  list("-p,--parameter", options.parameters,
       "name=value in place of the run's; what reads it runs again");
  command.add_flag("--latest", options.latest,
                   "of the Pipeline as it is now; steps that have changed run again");
  list("-f,--filename", options.files,
       "on this machine: the run's files, where its steps need Secrets, Components or other "
       "Pipelines of theirs");
  list("--approve", options.approve, "on this machine: STEP or STEP=name=value, as of `run`");
  command.add_option("--isolation", options.isolation, "on this machine, as of `run`")
      ->check(CLI::IsMember({"auto", "podman", "process"}))
      ->default_str("auto");
  command.add_option("-o,--output", options.output, "wide, json, yaml or name");
}

}  // namespace penstock::cli
