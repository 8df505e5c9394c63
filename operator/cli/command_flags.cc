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

}  // namespace penstock::cli
