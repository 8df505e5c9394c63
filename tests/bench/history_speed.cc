// What pages of runs, lineage and comparisons cost with a long history: fills a database with runs
// of twenty steps and prints the slowest of so many tries of each question, in milliseconds.
//
//   history-speed --runs 100000 --file /tmp/history.sqlite
//   history-speed --runs 100000 --postgres FILE       with a connection string, of an empty
//   database
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "operator/base/sha256.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/metadata/postgres/postgres_database.h"
#include "operator/metadata/query.h"

namespace penstock::metadata {
namespace {

constexpr int kSteps = 20;

std::string Digest(const std::string& of) { return "sha256:" + Sha256Hex(of); }

// A chain; every tenth run makes anew what the nine after it take from the cache, all but the end.
RunRecord MakeRun(int i, int metrics) {
  RunRecord run;
  run.uid = "uid-" + Sha256Hex(std::to_string(i)).substr(0, 16);
  run.namespace_ = "team";
  run.name = "flights-" + std::to_string(i);
  run.pipeline = "pipeline-" + std::to_string(i % 50);
  run.created = TimePoint(std::chrono::seconds(1'700'000'000 + i * 10));
  run.outcome = run.phase = i % 17 == 0 ? "Failed" : "Succeeded";
  run.cause = i % 3 == 0 ? "Schedule" : "";
  run.parameters = {{"epochs", i % 7}};
  run.counts = {kSteps, kSteps, 0, 0, 0, 0};
  const std::string batch = std::to_string(i / 10), own = std::to_string(i);
  for (int s = 0; s < kSteps; ++s) {
    StepRecord& step = run.steps.emplace_back();
    step.name = "step-" + std::to_string(s);
    step.phase = "Succeeded";
    step.attempt = 1;
    step.pod = run.name + "-" + step.name;
    step.cached = i % 10 != 0 && s + 1 < kSteps;
    const auto artifact = [&](int k) {
      return Digest((k + 1 < kSteps ? batch : own) + "/" + std::to_string(k));
    };
    if (s == 0)
      step.inputs.push_back({"in", "file", "", "https://example.com/data.csv", false, 0, "etag"});
    else
      step.inputs.push_back({"in", "dataset", artifact(s - 1), "", true, 10});
    step.outputs.push_back({"out", "dataset", artifact(s), "", true, 10});
    step.results["rows"] = i;
    if (s + 1 == kSteps)
      for (int m = 0; m < metrics; ++m) step.results["metric-" + std::to_string(m)] = m / 7.0 + i;
  }
  return run;
}

double Slowest(int tries, const std::function<bool()>& ask) {
  double worst = 0;
  for (int i = 0; i < tries; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    if (!ask()) {
      std::fprintf(stderr, "a question failed\n");
      std::exit(1);
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begin;
    worst = std::max(worst, took.count());
  }
  return worst;
}

void Print(const char* what, double ms) { std::printf("%-46s %8.1f ms\n", what, ms); }

int Measure(int runs, const DatabasePtr& database) {
  const SystemClock clock;
  BatchRecorderOptions options;
  options.database = database;
  options.warn = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); };
  {
    const auto recorder = BatchRecorder::Open(options, clock);
    for (int i = 0; i < runs; ++i) {
      recorder->RecordRun(MakeRun(i, i >= runs - 500 ? 1'000 : 0));
      if (i % 5'000 == 4'999) recorder->Flush();
    }
  }
  const Query query(database);
  RunFilter all;
  all.namespace_ = "team";
  const auto page = [&](const RunFilter& filter, const std::string& after) {
    return Slowest(20, [&] { return static_cast<bool>(query.Page(filter, 50, after)); });
  };
  Print("first page of 50", page(all, ""));
  std::string after = query.Page(all, 1)->next;
  after = "1" + std::to_string(700'000'000LL + runs * 5LL) + "000.x";  // the middle of it
  Print("a page in the middle", page(all, after));
  RunFilter one = all;
  one.pipeline = "pipeline-7";
  Print("of one pipeline", page(one, ""));
  RunFilter failed = all;
  failed.phase = "Failed";
  Print("failed ones", page(failed, ""));
  RunFilter rare = all;
  rare.phase = "Cancelled";
  Print("of a phase that none is in", page(rare, ""));
  RunFilter scheduled = failed;
  scheduled.cause = "Schedule";
  scheduled.pipeline = "pipeline-7";
  Print("by pipeline, phase and cause", page(scheduled, ""));
  RunFilter named = all;
  named.text = "no such name";
  Print("by a part of a name that none has", page(named, ""));
  const std::string model = Digest(std::to_string(runs - 1) + "/" + std::to_string(kSteps - 1));
  Print("lineage of a model, 20 steps up", Slowest(20, [&] {
          const auto graph = query.Walk("team", {model}, {});
          return graph && graph->steps.size() == kSteps;
        }));
  std::vector<std::string> names;
  for (int i = runs - 500; i < runs; ++i) names.push_back("flights-" + std::to_string(i));
  Print("500 runs x 1,000 metrics compared", Slowest(3, [&] {
          const auto compared = query.Compared("team", names);
          return compared && compared->size() == 500;
        }));
  Print("a grid of 25 runs",
        Slowest(20, [&] { return static_cast<bool>(query.Grid("team", "pipeline-7", 25)); }));
  return 0;
}

}  // namespace
}  // namespace penstock::metadata

int main(int argc, char** argv) {
  CLI::App app("What a long history costs");
  int runs = 100'000;
  std::string file, postgres;
  app.add_option("--runs", runs, "runs of twenty steps")->check(CLI::Range(1'000, 10'000'000));
  auto* const of_file = app.add_option("--file", file, "the database, which must not be there");
  app.add_option("--postgres", postgres, "a file with the connection string of an empty one")
      ->excludes(of_file);
  CLI11_PARSE(app, argc, argv);
  namespace metadata = penstock::metadata;
  if (!postgres.empty())
    return metadata::Measure(runs, metadata::PostgresServerDatabase({postgres, ""}));
  const int done = metadata::Measure(runs, metadata::SqliteFile(file));
  std::printf("the file: %.0f MiB\n",
              static_cast<double>(std::filesystem::file_size(file)) / (1 << 20));
  return done;
}
