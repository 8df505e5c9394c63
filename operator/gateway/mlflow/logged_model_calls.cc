// What is logged and asked of models that programs log (MLflow's logged models).
#include <algorithm>
#include <iterator>

#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/gateway/mlflow/artifact_place.h"
#include "operator/gateway/mlflow/mlflow_calls.h"
#include "operator/gateway/mlflow/model_json.h"
#include "operator/gateway/mlflow/model_search.h"

namespace penstock::gateway {

using metadata::LoggedModel;
using metadata::LoggedModelPage;
using metadata::LoggedModels;

namespace {

constexpr std::size_t kMostSorted = 5'000;
constexpr std::size_t kMostExperimentsSearched = 100;  // experiments
constexpr std::size_t kLongestModelName = 250;

Result<std::string> IdOf(const MlflowCall& call) { return call.asked.Needed("model_id", 256); }

// As MLflow has it: the name is a part of addresses.
Result<void> CheckLoggedName(const std::string& name) {
  if (name.find_first_of("/:.%\"'") == std::string::npos) return {};
  return Invalid("name: '" + plan::Shown(name, 80) +
                 "' holds one of / : . % \" ', which the name of a logged model may not");
}

Result<LoggedModel> ChangeLogged(const MlflowCall& call,
                                 const std::function<Result<void>(LoggedModel&)>& change) {
  PENSTOCK_ASSIGN(const std::string id, IdOf(call));
  return LoggedModels(*call.parts.tracking)
      .Change(
          call.ns, id,
          [&](LoggedModel& m) -> Result<void> {
            PENSTOCK_TRY(CheckStands(OwnerOf(m)));
            PENSTOCK_TRY(change(m));
            m.changed = call.parts.clock->Now();
            if (std::max({m.parameters.size(), m.tags.size(), m.metrics.size()}) > kMostNames)
              return Invalid("a logged model has at most 2,000 parameters, tags and metrics each");
            return {};
          },
          call.stop);
}

// A parameter is said once.
Result<void> AddParameters(const TextMap& parameters, LoggedModel& model) {
  for (const auto& [key, value] : parameters) {
    const auto [entry, is_new] = model.parameters.emplace(key, value);
    if (!is_new && entry->second != value)
      return Invalid("the parameter " + plan::Shown(key, 80) + " of the model has another value");
  }
  return {};
}

// "creation_time DESC" and its like, of {"field_name", "ascending"}.
Result<std::vector<Order>> OrdersOf(const Asked& asked) {
  std::vector<Order> orders;
  PENSTOCK_ASSIGN(const auto given, asked.Objects("order_by", 10));
  for (const Json& one : given) {
    const Asked field(one);
    PENSTOCK_ASSIGN(const std::string name, field.Needed("field_name", 500));
    PENSTOCK_ASSIGN(const std::string dataset, field.Text("dataset_name"));
    if (!dataset.empty())
      return Invalid("order_by: data sets of metrics are not kept; leave it out");
    PENSTOCK_ASSIGN(Order order, ParseOrder(name, ByOfLoggedModels()));
    PENSTOCK_ASSIGN(const bool ascending, field.Flag("ascending"));
    order.down = one.contains("ascending") && !ascending;
    orders.push_back(std::move(order));
  }
  // As they are read.
  if (orders.size() == 1 && orders[0].down && orders[0].by.of == Comparison::Of::kAttribute &&
      orders[0].by.name == "creation_timestamp")
    orders.clear();
  return orders;
}

struct Asking {
  std::vector<std::string> experiments;
  Comparisons filter;
  std::vector<Order> orders;
  std::size_t most = 0;
  std::string token;
};

Result<Asking> ReadSearch(const Asked& asked) {
  Asking a;
  PENSTOCK_ASSIGN(a.experiments, asked.Texts("experiment_ids"));
  if (a.experiments.size() > kMostExperimentsSearched)
    return Invalid("experiment_ids: at most 100 are searched at once");
  PENSTOCK_ASSIGN(const std::string text, asked.Text("filter"));
  PENSTOCK_ASSIGN(a.filter, ParseComparisons(text, ByOfLoggedModels()));
  PENSTOCK_ASSIGN(const auto datasets, asked.Objects("datasets", 10));
  if (!datasets.empty()) return Invalid("datasets: those of metrics are not kept; leave it out");
  PENSTOCK_ASSIGN(a.orders, OrdersOf(asked));
  PENSTOCK_ASSIGN(const auto most, asked.Whole("max_results"));
  a.most = static_cast<std::size_t>(std::clamp<std::int64_t>(most.value_or(100), 1, 1'000));
  PENSTOCK_ASSIGN(a.token, asked.Text("page_token"));
  return a;
}

// All that match, sorted, from the token's place on: as many as are asked for.
Result<LoggedModelPage> SortedPage(const MlflowCall& call, const Asking& a) {
  std::size_t offset = 0;
  if (!a.token.empty()) {
    if (a.token.size() > 6 || a.token.find_first_not_of("0123456789") != a.token.npos)
      return Invalid("page_token is none of ours");
    offset = std::stoul(a.token);
  }
  const auto keep = [&](const LoggedModel& m) { return Matches(a.filter, m); };
  PENSTOCK_ASSIGN(
      auto found,
      LoggedModels(*call.parts.tracking).Page(call.ns, a.experiments, kMostSorted, "", keep));
  if (!found.next.empty())
    return Invalid(
        "order_by: the experiments hold over 5,000 models, or over 8 MiB, which are not sorted at "
        "once; leave it out, or name fewer experiments");
  std::vector<LoggedModel>& all = found.models;
  Sort(all, a.orders);
  LoggedModelPage page;
  const std::size_t end = std::min(all.size(), offset + a.most);
  for (std::size_t i = offset; i < end; ++i) page.models.push_back(std::move(all[i]));
  if (end < all.size()) page.next = std::to_string(end);
  return page;
}

}  // namespace

Result<Json> CreateLoggedModel(const MlflowCall& call) {
  LoggedModel m;
  PENSTOCK_ASSIGN(std::string experiment, call.asked.Text("experiment_id"));
  PENSTOCK_ASSIGN(m.name, call.asked.Text("name"));
  PENSTOCK_ASSIGN(m.type, call.asked.Text("model_type"));
  PENSTOCK_ASSIGN(m.run, call.asked.Text("source_run_id"));
  PENSTOCK_ASSIGN(const auto parameters, call.asked.Objects("params", kMostPairs));
  PENSTOCK_ASSIGN(const auto tags, call.asked.Objects("tags", kMostPairs));
  PENSTOCK_ASSIGN(m.parameters, ReadPairs(parameters, kLongestParameter));
  PENSTOCK_ASSIGN(m.tags, ReadPairs(tags, kLongestTag));
  PENSTOCK_TRY(CheckLoggedName(m.name));
  if (std::max(m.name.size(), m.type.size()) > kLongestModelName)
    return Invalid("name and model_type have at most 250 bytes");
  if (!m.run.empty()) {
    PENSTOCK_ASSIGN(const auto run, call.parts.tracking->Get(call.ns, m.run));
    PENSTOCK_TRY(CheckStands(run));
  }
  if (experiment.empty()) experiment = kDefaultExperiment;
  PENSTOCK_ASSIGN(const auto found, FindOrMakeExperiment(call, experiment));
  const std::string letters = RandomLetters("0123456789abcdef", 32);
  m.id = "m-" + letters;
  if (m.name.empty()) m.name = "model-" + letters.substr(0, 8);
  m.namespace_ = call.ns;
  m.experiment = found.id;
  m.user = call.caller.user;
  m.status = "LOGGED_MODEL_PENDING";
  m.created = m.changed = call.parts.clock->Now();
  PENSTOCK_TRY(LoggedModels(*call.parts.tracking).Begin(m, call.stop));
  return Json{{"model", LoggedModelJson(m)}};
}

Result<Json> GetLoggedModel(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string id, IdOf(call));
  PENSTOCK_ASSIGN(const bool deleted, call.asked.Flag("allow_deleted"));
  PENSTOCK_ASSIGN(const auto m, LoggedModels(*call.parts.tracking).Get(call.ns, id));
  if (m.deleted && !deleted) return NotFound("the logged model " + id + " is deleted");
  return Json{{"model", LoggedModelJson(m)}};
}

Result<Json> FinalizeLoggedModel(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string status, call.asked.Text("status"));
  const bool known = status == "LOGGED_MODEL_READY" || status == "LOGGED_MODEL_UPLOAD_FAILED" ||
                     status == "LOGGED_MODEL_PENDING";
  if (!known)
    return Invalid("status: '" + plan::Shown(status, 40) +
                   "' is none of LOGGED_MODEL_READY, LOGGED_MODEL_UPLOAD_FAILED and "
                   "LOGGED_MODEL_PENDING");
  PENSTOCK_ASSIGN(const auto m, ChangeLogged(call, [&](LoggedModel& model) {
                    model.status = status;
                    return Result<void>();
                  }));
  return Json{{"model", LoggedModelJson(m)}};
}

Result<Json> DeleteLoggedModel(const MlflowCall& call) {
  PENSTOCK_TRY(ChangeLogged(call, [](LoggedModel& model) {
    model.deleted = true;
    return Result<void>();
  }));
  return Json::object();
}

Result<Json> SetLoggedModelTags(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const auto given, call.asked.Objects("tags", kMostPairs));
  PENSTOCK_ASSIGN(const TextMap tags, ReadPairs(given, kLongestTag));
  PENSTOCK_ASSIGN(const auto m, ChangeLogged(call, [&](LoggedModel& model) {
                    for (const auto& [key, value] : tags) model.tags[key] = value;
                    return Result<void>();
                  }));
  return Json{{"model", LoggedModelJson(m)}};
}

Result<Json> DeleteLoggedModelTag(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const std::string key, call.asked.Needed("tag_key", 250));
  PENSTOCK_TRY(ChangeLogged(call, [&](LoggedModel& model) -> Result<void> {
    if (model.tags.erase(key) == 0)
      return NotFound("the logged model has no tag " + plan::Shown(key, 80));
    return {};
  }));
  return Json::object();
}

Result<Json> LogModelParameters(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const auto given, call.asked.Objects("params", kMostPairs));
  PENSTOCK_ASSIGN(const TextMap parameters, ReadPairs(given, kLongestParameter));
  PENSTOCK_TRY(
      ChangeLogged(call, [&](LoggedModel& model) { return AddParameters(parameters, model); }));
  return Json::object();
}

Result<Json> SearchLoggedModels(const MlflowCall& call) {
  PENSTOCK_ASSIGN(const Asking a, ReadSearch(call.asked));
  PENSTOCK_TRY(HoldForMuch(call));
  const auto keep = [&](const LoggedModel& m) { return Matches(a.filter, m); };
  auto page =
      a.orders.empty()
          ? LoggedModels(*call.parts.tracking).Page(call.ns, a.experiments, a.most, a.token, keep)
          : SortedPage(call, a);
  if (!page) return page.error();
  Json answer{{"models", Json::array()}};
  for (const LoggedModel& m : page->models) answer["models"].push_back(LoggedModelJson(m));
  if (!page->next.empty()) answer["next_page_token"] = page->next;
  return answer;
}

Result<ModelPoints> ModelPointsOf(const MlflowCall& call, const std::vector<Json>& metrics) {
  ModelPoints points;
  for (const Json& metric : metrics) {
    const Asked asked(metric);
    PENSTOCK_ASSIGN(const std::string id, asked.Text("model_id"));
    if (id.empty()) continue;
    PENSTOCK_ASSIGN(auto point, asked.Metric());
    points[id].push_back(std::move(point));
  }
  for (const auto& of : points) {
    PENSTOCK_ASSIGN(const auto m, LoggedModels(*call.parts.tracking).Get(call.ns, of.first));
    PENSTOCK_TRY(CheckStands(OwnerOf(m)));
  }
  return points;
}

Result<void> LogModelPoints(const MlflowCall& call, const ModelPoints& points) {
  for (const auto& of : points) {
    const auto take = [&](LoggedModel& m) -> Result<void> {
      for (const auto& p : of.second) metadata::TakeNewer(p, m.metrics);
      m.changed = call.parts.clock->Now();
      if (m.metrics.size() <= kMostNames) return {};
      return Invalid("the logged model " + m.id + " would have over 2,000 metrics");
    };
    PENSTOCK_TRY(LoggedModels(*call.parts.tracking).Change(call.ns, of.first, take, call.stop));
  }
  return {};
}

}  // namespace penstock::gateway
