#include <algorithm>
#include <random>

#include "operator/base/shown_text.h"
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

Result<void> CheckView(const std::string& name, const std::string& view) {
  if (view.empty() || view == "ACTIVE_ONLY" || view == "DELETED_ONLY" || view == "ALL") return {};
  return Invalid(name + ": '" + plan::Shown(view, 40) +
                 "' is none of ACTIVE_ONLY, DELETED_ONLY and ALL");
}

Result<Experiment> FindExperiment(const MlflowCall& call, const std::string& id) {
  auto found = call.parts.tracking->ExperimentOfId(call.ns, id);
  if (found || id != kDefaultExperiment || found.error().kind != ErrorKind::kNotFound) return found;
  const TimePoint now = call.parts.clock->Now();
  return Experiment{kDefaultExperiment, "Default", now, now, {}};
}

Result<Experiment> FindOrMakeExperiment(const MlflowCall& call, const std::string& id) {
  PENSTOCK_ASSIGN(const Experiment e, FindExperiment(call, id));
  if (id != kDefaultExperiment) return e;
  const auto made = call.parts.tracking->MakeExperiment(call.ns, e, call.stop);
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
  PENSTOCK_TRY(call.parts.tracking->MakeExperiment(call.ns, e, call.stop));
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
  PENSTOCK_ASSIGN(const auto orders, call.asked.Texts("order_by"));
  for (const std::string& order : orders)
    if (order != "name" && order != "name ASC")
      return Invalid("order_by: experiments are listed by name, and not by '" +
                     plan::Shown(order, 80) + "'; leave it out");
  PENSTOCK_ASSIGN(const std::string view, call.asked.Text("view_type"));
  PENSTOCK_TRY(CheckView("view_type", view));
  Json answer{{"experiments", Json::array()}};
  if (view == "DELETED_ONLY") return answer;  // none is ever deleted
  PENSTOCK_TRY(HoldForMuch(call));
  const auto most = static_cast<int>(
      std::clamp<std::int64_t>(asked.value_or(kMostExperiments), 1, kMostExperiments));
  PENSTOCK_ASSIGN(const auto page, call.parts.tracking->Experiments(call.ns, most, after));
  for (const Experiment& e : page.experiments) answer["experiments"].push_back(ExperimentJson(e));
  if (page.more) answer["next_page_token"] = page.experiments.back().name;
  return answer;
}

Result<Json> TagExperiment(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string id, call.asked.Needed("experiment_id", kLongestName));
  PENSTOCK_ASSIGN(const std::string key, call.asked.Needed("key", 250));
  PENSTOCK_ASSIGN(const std::string value, call.asked.Text("value"));
  if (value.size() > kLongestTag)
    return Invalid("the value of " + key + " is over " + std::to_string(kLongestTag) + " bytes");
  // As much as it is written with, read and made anew.
  PENSTOCK_TRY(call.held.Hold(
      std::min<std::uint64_t>(call.parts.bodies->share(), 2 * metadata::kMostTagsOfExperiment)));
  PENSTOCK_TRY(call.parts.tracking->TagExperiment(call.ns, id, key, value, call.parts.clock->Now(),
                                                  call.stop));
  return Json::object();
}

}  // namespace penstock::gateway
