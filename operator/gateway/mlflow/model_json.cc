#include "operator/gateway/mlflow/model_json.h"

#include "operator/gateway/mlflow/artifact_place.h"
#include "operator/gateway/mlflow/mlflow_json.h"

namespace penstock::gateway {

Json LoggedModelJson(const metadata::LoggedModel& m) {
  Json metrics = Json::array();
  for (const auto& [name, point] : m.metrics) {
    metrics.push_back(MetricJson(point));
    metrics.back()["model_id"] = m.id;
  }
  Json info{{"model_id", m.id},
            {"experiment_id", m.experiment},
            {"name", m.name},
            {"creation_timestamp_ms", MillisecondsOf(m.created)},
            {"last_updated_timestamp_ms", MillisecondsOf(m.changed)},
            {"artifact_uri", ArtifactUriOf(m)},
            {"status", m.status},
            {"model_type", m.type},
            {"source_run_id", m.run},
            {"tags", PairsJson(m.tags)}};
  return {{"info", std::move(info)},
          {"data", {{"params", PairsJson(m.parameters)}, {"metrics", std::move(metrics)}}}};
}

Json RegisteredModelJson(const metadata::RegisteredModel& m,
                         const std::optional<metadata::ModelVersion>& newest) {
  Json aliases = Json::array();
  for (const auto& [alias, number] : m.aliases)
    aliases.push_back({{"alias", alias}, {"version", std::to_string(number)}});
  Json latest = Json::array();
  if (newest) latest.push_back(ModelVersionJson(*newest));
  return {{"name", m.name},
          {"creation_timestamp", MillisecondsOf(m.created)},
          {"last_updated_timestamp", MillisecondsOf(m.changed)},
          {"description", m.description},  // "" too, as MLflow's client reads it
          {"latest_versions", std::move(latest)},
          {"tags", PairsJson(m.tags)},
          {"aliases", std::move(aliases)}};
}

Json ModelVersionJson(const metadata::ModelVersion& v) {
  Json version{{"name", v.name},
               {"version", std::to_string(v.number)},
               {"creation_timestamp", MillisecondsOf(v.created)},
               {"last_updated_timestamp", MillisecondsOf(v.changed)},
               {"user_id", v.user},
               {"current_stage", "None"},  // stages are none of ours
               {"source", v.source},
               {"status", "READY"},
               {"tags", PairsJson(v.tags)},
               {"aliases", v.aliases}};
  const std::pair<const char*, const std::string&> others[]{{"description", v.description},
                                                            {"run_id", v.run},
                                                            {"run_link", v.run_link},
                                                            {"model_id", v.logged_model}};
  for (const auto& [name, text] : others)
    if (!text.empty()) version[name] = text;
  return version;
}

}  // namespace penstock::gateway
