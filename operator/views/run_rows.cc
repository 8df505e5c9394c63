#include "operator/views/run_rows.h"

#include <set>

#include "operator/base/try.h"
#include "operator/views/run/json_out.h"

namespace penstock::views {

Json RunRow(const Place& place, metadata::RunRecord run) {
  const std::optional<bool> archived = place.Settle(run);
  const metadata::StepCounts& n = run.counts;
  Json row{{"namespace", run.namespace_},
           {"name", run.name},
           {"uid", run.uid},
           {"phase", run.phase},
           {"steps",
            {{"total", n.total},
             {"succeeded", n.succeeded},
             {"failed", n.failed},
             {"running", n.running},
             {"cached", n.cached},
             {"skipped", n.skipped}}},
           {"labels", run.labels}};
  Put(row, "pipeline", run.pipeline);
  Put(row, "reason", run.reason);
  Put(row, "message", run.message);
  Put(row, "step", run.step);
  Put(row, "cause", run.cause);
  Put(row, "user", run.user);
  Put(row, "created", run.created);
  Put(row, "started", run.started);
  Put(row, "finished", run.finished);
  if (archived) row["archived"] = *archived;
  return row;
}

Result<Json> RunRows(const Place& place, const metadata::RunFilter& filter, int limit,
                     const std::string& after) {
  PENSTOCK_ASSIGN(metadata::RunPage page, place.history().Page(filter, limit, after));
  Json list{{"items", Json::array()}};
  for (metadata::RunRecord& run : page.runs) list["items"].push_back(RunRow(place, std::move(run)));
  Put(list, "next", page.next);
  return list;
}

Result<Json> GridView(const Place& place, const std::string& ns, const std::string& pipeline,
                      int limit) {
  PENSTOCK_ASSIGN(auto runs, place.history().Grid(ns, pipeline, limit));
  Json grid{{"steps", Json::array()}, {"runs", Json::array()}};
  std::set<std::string> seen;
  for (metadata::RunRecord& run : runs) {
    static_cast<void>(place.Settle(run));
    Json cells = Json::object();
    for (const metadata::StepRecord& step : run.steps) {
      cells[step.name] = step.phase;
      if (seen.insert(step.name).second) grid["steps"].push_back(step.name);
    }
    Json row{{"name", run.name}, {"phase", run.phase}, {"cells", std::move(cells)}};
    Put(row, "created", run.created);
    Put(row, "finished", run.finished);
    grid["runs"].push_back(std::move(row));
  }
  return grid;
}

}  // namespace penstock::views
