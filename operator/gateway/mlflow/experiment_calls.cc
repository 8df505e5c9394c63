#include <algorithm>
#include <random>

#include "operator/base/try.h"
#include "operator/gateway/mlflow/mlflow_calls.h"

namespace penstock::gateway {

using metadata::Experiment;

namespace {

constexpr int kMostExperiments = 1'000;  // of one answer

}  // namespace

std::string RandomLetters(const std::string& letters, std::size_t length) {
  std::random_device random;
  std::uniform_int_distribution<std::size_t> any(0, letters.size() - 1);
  std::string text;
  for (std::size_t i = 0; i < length; ++i) text += letters[any(random)];
  return text;
}

Result<Experiment> FindExperiment(const MlflowCall& call, const std::string& id) {
  auto found = call.parts.tracking->ExperimentOfId(call.ns, id);
  if (found || id != kDefaultExperiment || found.error().kind != ErrorKind::kNotFound) return found;
  const TimePoint now = call.parts.clock->Now();
  const auto made =
      call.parts.tracking->MakeExperiment(call.ns, {kDefaultExperiment, "Default", now, now, {}});
  if (!made && made.error().kind != ErrorKind::kAlreadyExists) return made.error();
  return call.parts.tracking->ExperimentOfId(call.ns, id);
}

Result<Json> CreateExperiment(const MlflowCall& call) {
  Experiment e;
  PENSTOCK_ASSIGN(e.name, call.asked.Needed("name", kLongestName));
  PENSTOCK_ASSIGN(const auto pairs, call.asked.Objects("tags", kMostPairs));
  PENSTOCK_ASSIGN(e.tags, ReadPairs(pairs, kLongestTag));
  e.id = RandomLetters("123456789", 18);
  e.created = e.changed = call.parts.clock->Now();
  PENSTOCK_TRY(call.parts.tracking->MakeExperiment(call.ns, e));
  return Json{{"experiment_id", e.id}};
}

Result<Json> GetExperiment(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string id, call.asked.Needed("experiment_id", kLongestName));
  PENSTOCK_ASSIGN(const Experiment e, FindExperiment(call, id));
  return Json{{"experiment", ExperimentJson(e)}};
}

Result<Json> GetExperimentByName(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string name, call.asked.Needed("experiment_name", kLongestName));
  PENSTOCK_ASSIGN(const Experiment e, call.parts.tracking->ExperimentOfName(call.ns, name));
  return Json{{"experiment", ExperimentJson(e)}};
}

Result<Json> SearchExperiments(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const auto asked, call.asked.Whole("max_results"));
  PENSTOCK_ASSIGN(const std::string after, call.asked.Text("page_token"));
  PENSTOCK_ASSIGN(const std::string filter, call.asked.Text("filter"));
  if (!filter.empty())
    return Invalid("filter: experiments are listed by name and not filtered; leave it out");
  const auto most = static_cast<int>(
      std::clamp<std::int64_t>(asked.value_or(kMostExperiments), 1, kMostExperiments));
  PENSTOCK_ASSIGN(auto list, call.parts.tracking->Experiments(call.ns, most + 1, after));
  const bool more = list.size() > static_cast<std::size_t>(most);
  if (more) list.pop_back();
  Json answer{{"experiments", Json::array()}};
  for (const Experiment& e : list) answer["experiments"].push_back(ExperimentJson(e));
  if (more) answer["next_page_token"] = list.back().name;
  return answer;
}

Result<Json> TagExperiment(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string id, call.asked.Needed("experiment_id", kLongestName));
  PENSTOCK_ASSIGN(const std::string key, call.asked.Needed("key", 250));
  PENSTOCK_ASSIGN(const std::string value, call.asked.Text("value"));
  PENSTOCK_TRY(
      call.parts.tracking->TagExperiment(call.ns, id, key, value, call.parts.clock->Now()));
  return Json::object();
}

}  // namespace penstock::gateway
