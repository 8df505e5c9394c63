// What is asked of runs.
#include <algorithm>
#include <iterator>

#include "operator/base/try.h"
#include "operator/gateway/mlflow/mlflow_calls.h"
#include "operator/gateway/mlflow/run_filter.h"

namespace penstock::gateway {

using metadata::MetricPoint;
using metadata::TrackedRun;

namespace {

constexpr int kMostSearched = 5'000;  // runs of one experiment, the newest

Result<int> OffsetOf(const Asked& asked) {
  PENSTOCK_ASSIGN(const std::string token, asked.Text("page_token"));
  if (token.empty()) return 0;
  if (token.size() > 8 || token.find_first_not_of("0123456789") != token.npos)
    return Invalid("page_token is none of ours");
  return std::stoi(token);
}

// The newest runs of the experiments, of all of them as many as are searched of one.
Result<std::vector<TrackedRun>> Candidates(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const auto ids, call.asked.Texts("experiment_ids"));
  PENSTOCK_ASSIGN(const std::string view, call.asked.Text("run_view_type"));
  PENSTOCK_TRY(CheckView("run_view_type", view));
  std::vector<TrackedRun> runs;
  for (const bool deleted : {false, true}) {
    if (deleted ? view != "DELETED_ONLY" && view != "ALL" : view == "DELETED_ONLY") continue;
    for (const std::string& id : ids) {
      PENSTOCK_ASSIGN(auto page, call.parts.tracking->Runs(call.ns, id, deleted, kMostSearched));
      if (page.more || runs.size() + page.runs.size() > std::size_t(kMostSearched))
        return Invalid(
            "experiment_ids: they hold over 5,000 runs, or over 8 MiB, which are not searched at "
            "once");
      std::move(page.runs.begin(), page.runs.end(), std::back_inserter(runs));
    }
  }
  std::stable_sort(runs.begin(), runs.end(), [](const TrackedRun& a, const TrackedRun& b) {
    return a.record.started > b.record.started;
  });
  return runs;
}

}  // namespace

Result<std::string> RunIdOf(const Asked& asked) {
  PENSTOCK_ASSIGN(const std::string id, asked.Text("run_id"));
  if (!id.empty()) return id;
  return asked.Needed("run_uuid", kLongestName);
}

Result<void> HoldForMuch(const MlflowCall& call) {
  return call.held.Hold(call.parts.bodies->share() / 2);
}

Result<Json> MetricHistory(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string id, RunIdOf(call.asked));
  PENSTOCK_ASSIGN(const std::string name, call.asked.Needed("metric_key", 250));
  PENSTOCK_ASSIGN(const auto asked, call.asked.Whole("max_results"));
  PENSTOCK_ASSIGN(const int offset, OffsetOf(call.asked));
  PENSTOCK_TRY(HoldForMuch(call));
  PENSTOCK_ASSIGN(const TrackedRun run, call.parts.tracking->Get(call.ns, id));
  const auto most = static_cast<int>(std::clamp<std::int64_t>(asked.value_or(25'000), 1, 25'000));
  PENSTOCK_ASSIGN(auto points, call.parts.tracking->Points(run.record.uid, name, most + 1, offset));
  Json answer{{"metrics", Json::array()}};
  const bool more = points.size() > static_cast<std::size_t>(most);
  if (more) points.pop_back();
  for (const MetricPoint& p : points) answer["metrics"].push_back(MetricJson(p));
  if (more) answer["next_page_token"] = std::to_string(offset + most);
  return answer;
}

Result<Json> SearchRuns(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string text, call.asked.Text("filter"));
  PENSTOCK_ASSIGN(const Comparisons filter, ParseRunFilter(text));
  PENSTOCK_ASSIGN(const auto words, call.asked.Texts("order_by"));
  std::vector<Order> orders;
  for (const std::string& word : words) {
    PENSTOCK_ASSIGN(Order order, ParseRunOrder(word));
    orders.push_back(std::move(order));
  }
  PENSTOCK_ASSIGN(const auto asked, call.asked.Whole("max_results"));
  PENSTOCK_ASSIGN(const int offset, OffsetOf(call.asked));
  const auto most = static_cast<int>(std::clamp<std::int64_t>(asked.value_or(1'000), 1, 50'000));
  PENSTOCK_TRY(HoldForMuch(call));
  PENSTOCK_ASSIGN(auto runs, Candidates(call));
  std::erase_if(runs, [&](const TrackedRun& run) { return !Matches(filter, run); });
  Sort(runs, orders);
  Json answer{{"runs", Json::array()}};
  const int total = static_cast<int>(runs.size()), end = std::min(total, offset + most);
  for (int i = offset; i < end; ++i)
    answer["runs"].push_back(RunJson(runs[static_cast<std::size_t>(i)]));
  if (end < total) answer["next_page_token"] = std::to_string(end);
  return answer;
}

}  // namespace penstock::gateway
