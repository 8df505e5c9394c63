// Questions about what ran. Each call has a reading session of its own, so that it never waits for
// the writer and may run on any thread. None is without a bound: what it reads is one run, one page
// by a key of an index, or so many rows.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "operator/base/result.h"
#include "operator/metadata/database.h"
#include "operator/metadata/record.h"

namespace penstock::metadata {

struct RunFilter {
  std::string namespace_;
  // Empty: any.
  std::string pipeline, phase, cause;
  std::string text;  // part of the run's name
};
struct RunPage {
  std::vector<RunRecord> runs;  // without steps
  std::string next;             // what the next page comes after; empty: this was the last
};

// A run that was recorded, in the order of such records over all runs.
struct RunChange {
  long long at = 0;
  RunRecord run;  // without steps
};

// What is kept of a run that has ended.
struct Story {
  Json object;               // the PipelineRun
  std::optional<Json> spec;  // the ControllerRevision that it was pinned to
};

// The step whose output an artifact is.
struct Maker {
  std::string run, pipeline, step, output;
};

// What made what. A step stands once, however many ways lead to it.
struct LineageGraph {
  struct Step {
    std::string run_uid, run, pipeline, step, component;
    std::optional<TimePoint> started;
  };
  struct Use {
    std::size_t step = 0;  // of `steps`
    bool in = false;
    ArtifactUse what;
  };
  std::vector<Step> steps;
  std::vector<Use> uses;
  bool cut = false;  // there is more than was asked for
};
struct LineageOptions {
  bool up = true;            // to what it was made of
  bool down = false;         // to what was made of it
  int depth = 50;            // steps, one behind the other
  std::size_t most = 1'000;  // steps
};

class Query {
 public:
  explicit Query(DatabasePtr database) : database_(std::move(database)) {}
  // Of a file of SQLite's.
  explicit Query(std::filesystem::path path) : Query(SqliteFile(std::move(path))) {}

  // The newest run of the name with everything, of Pipelines before those that programs log;
  // kNotFound.
  [[nodiscard]] Result<RunRecord> Run(const std::string& ns, const std::string& name) const;
  // The same of its UID, also where a newer one of its name has taken its place.
  [[nodiscard]] Result<RunRecord> OfUid(const std::string& uid) const;
  // The newest attempts of a run's step, a thousand at most, oldest first, as step records without
  // artifacts.
  [[nodiscard]] Result<std::vector<StepRecord>> Attempts(const std::string& run_uid,
                                                         const std::string& step) const;
  // Who made the artifact first; nothing where nobody is known to have.
  [[nodiscard]] Result<std::optional<Maker>> FirstMaker(const std::string& ns,
                                                        const std::string& digest) const;

  // Newest first, from the one behind `after` (RunPage::next) on. A page costs its own rows: no
  // count, no offset. Invalid of an `after` that is none.
  [[nodiscard]] Result<RunPage> Page(const RunFilter& filter, int limit,
                                     const std::string& after = {}) const;
  // Those that have runs, by name, the first `most` of them.
  [[nodiscard]] Result<std::vector<std::string>> Namespaces(std::size_t most) const;
  // The newest runs of a pipeline, each with the names and phases of its steps, and no more.
  [[nodiscard]] Result<std::vector<RunRecord>> Grid(const std::string& ns,
                                                    const std::string& pipeline, int limit) const;
  // Of these runs (by name, of each as Run): steps with inputs and results, and no more. In the
  // same order; kNotFound names the first that was never recorded, Invalid where they hold too
  // much.
  [[nodiscard]] Result<std::vector<RunRecord>> Compared(
      const std::string& ns, const std::vector<std::string>& names) const;
  // The pods of all attempts of a run's steps.
  [[nodiscard]] Result<std::vector<std::string>> Pods(const std::string& run_uid) const;
  // Oldest first, those behind `since`.
  [[nodiscard]] Result<std::vector<RunChange>> Changes(long long since, int limit) const;
  [[nodiscard]] Result<long long> NewestChange() const;
  // kNotFound: it has not ended, or was recorded before stories were kept.
  [[nodiscard]] Result<Story> StoryOf(const std::string& ns, const std::string& name) const;
  [[nodiscard]] Result<Json> Revision(const std::string& ns, const std::string& name) const;
  // What runs of the namespace that have not ended, or have since then, say of artifacts: digests
  // that they read and gave, and what is kept of their objects (Story). `specs` are
  // ControllerRevisions. A text may come twice. Nothing where there is no database.
  struct KeptSinks {
    std::function<void(const std::string& text)> text;
    std::function<void(const Json& revision)> spec;
  };
  [[nodiscard]] Result<void> EachKept(const std::string& ns, TimePoint since,
                                      const KeptSinks& sinks) const;
  // The type of an artifact and how large it is; kNotFound.
  [[nodiscard]] Result<ArtifactUse> Artifact(const std::string& ns,
                                             const std::string& digest) const;
  // What the artifacts were made of, and what was made of them. Of several steps that give one
  // artifact that which made it first stands for all: others took it from the cache.
  [[nodiscard]] Result<LineageGraph> Walk(const std::string& ns,
                                          const std::vector<std::string>& digests,
                                          const LineageOptions& options) const;

 private:
  DatabasePtr database_;
};

}  // namespace penstock::metadata
