#include "components/serve/protocol/repository.h"

#include "operator/base/json.h"

namespace penstock::serve {
namespace {

using Phase = Inference::Phase;

const char* IndexState(Phase phase) {
  switch (phase) {
    case Phase::kLoading:
      return "LOADING";
    case Phase::kReady:
      return "READY";
    case Phase::kDraining:
      return "UNLOADING";
    default:
      return "UNAVAILABLE";
  }
}

const char* PredictState(Phase phase) {
  switch (phase) {
    case Phase::kLoading:
      return "LOADING";
    case Phase::kReady:
      return "AVAILABLE";
    case Phase::kDraining:
      return "UNLOADING";
    default:
      return "END";
  }
}

}  // namespace

Result<std::string> EncodeRepositoryIndex(const Inference::State& state, const std::string& body) {
  bool ready_only = false;
  // Generous for what it may say; a parsed body is many times its text.
  if (body.size() > 4096) return Invalid("the body is longer than 4096 bytes");
  if (!body.empty()) {
    const auto parsed = ParseJson(body, "the body");
    if (!parsed || !parsed->is_object()) return Invalid("the body must be empty or a JSON object");
    const Json& asked = *parsed;
    if (asked.contains("ready")) {
      if (!asked["ready"].is_boolean()) return Invalid("'ready' must be true or false");
      ready_only = asked["ready"].get<bool>();
    }
  }
  Json index = Json::array();
  // A server that has not loaded its model may not know its name yet.
  if (!state.model.name.empty() && (!ready_only || state.phase == Phase::kReady)) {
    Json entry = {
        {"name", state.model.name}, {"state", IndexState(state.phase)}, {"reason", state.reason}};
    if (!state.model.version.empty()) entry["version"] = state.model.version;
    index.push_back(std::move(entry));
  }
  return index.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::string> EncodePredictStatus(const Inference::State& state, const std::string& model,
                                        const std::string& version) {
  if (model != state.model.name) return NotFound("there is no model '" + model + "' here");
  if (!version.empty() && version != state.model.version)
    return NotFound("model '" + model + "' has no version '" + version + "' here");
  const bool failed = state.phase == Phase::kFailed;
  return Json{{"model_version_status",
               {{{"version", state.model.version.empty() ? "1" : state.model.version},
                 {"state", PredictState(state.phase)},
                 {"status",
                  {{"error_code", failed ? "UNKNOWN" : "OK"},
                   {"error_message", failed ? state.reason : ""}}}}}}}
      .dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace penstock::serve
