#include "operator/plan/model/model_containers.h"

#include <utility>

#include "operator/base/json.h"
#include "operator/base/time.h"
#include "operator/plan/attempt/pod_spec.h"

namespace penstock::plan {
namespace {

constexpr const char* kPredictionsFolder = "/tmp/predictions";
constexpr const char* kMostUnsentBytes = "67108864";  // a store that is away must not fill the node
constexpr const char* kBehindTransformer = "server";  // its port's name
// Routers and kube-proxy need a moment to learn that a pod is going: it goes on accepting.
constexpr const char* kDrainDelay = "5s";
constexpr int kDrainSeconds = 5;
constexpr const char* kDrainTimeout = "30s";
constexpr const char* kReadyPath = "/v2/health/ready";

// The server's flags and mount for spec.monitoring.log.
void AddPredictionLog(const api::ModelDeployment& md, const ModelSettings& settings,
                      Json* container) {
  const auto& log = md.spec.log;
  if (log.columns.empty()) return;
  Json& args = (*container)["args"];
  for (const char* arg : {"--prediction-log", kPredictionsFolder}) args.push_back(arg);
  for (const auto& column : log.columns) {
    args.push_back("--prediction-log-columns");
    args.push_back(column);
  }
  for (const std::string& arg :
       {std::string("--prediction-log-sample"), log.sample.empty() ? "100%" : log.sample,
        std::string("--prediction-log-store"), StoreFile(),
        std::string("--prediction-log-namespace"), md.meta.namespace_,
        std::string("--prediction-log-max-bytes"), std::string(kMostUnsentBytes)})
    args.push_back(arg);
  MountStore(settings, container);
}

Json Probe(const std::string& path, const char* port, int period, int failures) {
  return {{"httpGet", {{"path", path}, {"port", port}}},
          {"periodSeconds", period},
          {"timeoutSeconds", 2},
          {"failureThreshold", failures}};
}

int ServerPort(const ServedModel& m) {
  return m.md.spec.server.container ? m.md.spec.server.container->container.port : api::kServerPort;
}
const char* ServerPortName(const ServedModel& m) {
  return m.md.spec.transformer ? kBehindTransformer : kTrafficPort;
}
Json PortsOf(const ServedModel& m, int port) {
  Json ports = Json::array({{{"name", ServerPortName(m)}, {"containerPort", port}}});
  if (const int grpc = m.md.spec.server.grpc_port; grpc != 0)
    ports.push_back({{"name", kGrpcPort}, {"containerPort", grpc}});
  return ports;
}
ModelWords WordsOf(const ServedModel& m) {
  return {m.path, m.md.meta.name, std::to_string(m.version), m.model.digest, ""};
}

Json Container(const char* name, const char* port, const api::ModelContainer& from,
               const ModelWords& words) {
  Json c{{"name", name},
         {"image", from.image},
         {"ports", Json::array({{{"name", port}, {"containerPort", from.port}}})},
         // The time that whoever sends requests needs to learn that the pod is going.
         {"lifecycle", {{"preStop", {{"sleep", {{"seconds", kDrainSeconds}}}}}}},
         {"volumeMounts", from.volume_mounts},
         {"terminationMessagePolicy", "FallbackToLogsOnError"},
         {"securityContext", RestrictedContainer(from.read_only_root)}};
  if (from.run_as_user) c["securityContext"]["runAsUser"] = *from.run_as_user;
  if (from.run_as_group) c["securityContext"]["runAsGroup"] = *from.run_as_group;
  if (!from.image_pull_policy.empty()) c["imagePullPolicy"] = from.image_pull_policy;
  for (const std::string& word : from.command) c["command"].push_back(FillIn(word, words));
  for (const std::string& word : from.args) c["args"].push_back(FillIn(word, words));
  if (!from.working_dir.empty()) c["workingDir"] = from.working_dir;
  for (Json variable : from.env) {
    if (variable.contains("value"))
      variable["value"] = FillIn(variable["value"].get<std::string>(), words);
    c["env"].push_back(std::move(variable));
  }
  if (!from.env_from.empty()) c["envFrom"] = from.env_from;
  if (from.resources.is_object()) c["resources"] = from.resources;
  return c;
}

Json OurServer(const ServedModel& m) {
  const auto& server = m.md.spec.server;
  Json args{"--model", kModelFolder, "--name", m.md.meta.name, "--version",
            std::to_string(m.version), "--model-digest", m.model.digest, "--port",
            std::to_string(api::kServerPort), "--queue", std::to_string(server.queue),
            "--max-batch", std::to_string(server.max_batch), "--max-delay",
            FormatDuration(server.max_delay), "--drain-delay", kDrainDelay, "--drain-timeout",
            kDrainTimeout, "--exit-on-load-failure",
            // What is in the log before it is no reason.
            "--termination-log", kTerminationLog};
  Json c{{"name", kServeContainer},
         {"image", m.settings.serve_image},
         {"args", args},
         {"ports", PortsOf(m, api::kServerPort)},
         {"readinessProbe", Probe(kReadyPath, ServerPortName(m), 2, 2)},
         {"livenessProbe", Probe("/v2/health/live", ServerPortName(m), 10, 3)},
         // Loading and warming up may take long; only then does the liveness probe count.
         {"startupProbe", Probe("/v2/health/live", ServerPortName(m), 1, 600)},
         {"volumeMounts", Json::array({{{"name", "tmp"}, {"mountPath", "/tmp"}}})},
         {"terminationMessagePolicy", "FallbackToLogsOnError"},
         {"securityContext", RestrictedContainer(true)}};
  Json& mounts = c["volumeMounts"];
  if (!m.mount.is_null()) mounts.insert(mounts.begin(), m.mount);
  if (server.grpc_port != 0)
    for (const std::string& arg : {std::string("--grpc-port"), std::to_string(server.grpc_port)})
      c["args"].push_back(arg);
  AddPredictionLog(m.md, m.settings, &c);
  for (const Json& mount : server.volume_mounts) c["volumeMounts"].push_back(mount);
  if (!server.env.empty()) c["env"] = server.env;
  if (m.md.spec.resources.is_object()) c["resources"] = m.md.spec.resources;
  return c;
}

Json OtherServer(const ServedModel& m) {
  Json c = Container(kServeContainer, ServerPortName(m), m.md.spec.server.container->container,
                     WordsOf(m));
  c["ports"] = PortsOf(m, ServerPort(m));
  if (!m.mount.is_null()) c["volumeMounts"].push_back(m.mount);
  if (!m.image.empty()) c["image"] = m.image;
  const std::string& said = m.md.spec.server.readiness;
  const std::string path = said.empty() ? kReadyPath : said;
  c["readinessProbe"] = Probe(path, ServerPortName(m), 2, 2);
  // Asked often until it is ready for the first time. How long that may take is for
  // rollout.progressDeadline to say: a server that loads is not killed.
  c["startupProbe"] = Probe(path, ServerPortName(m), 1, 1'000'000);
  return c;
}

}  // namespace

Json ServerContainer(const ServedModel& m) {
  return m.md.spec.server.container ? OtherServer(m) : OurServer(m);
}

Json TransformerContainer(const ServedModel& m) {
  ModelWords words = WordsOf(m);
  words.server_url = "http://127.0.0.1:" + std::to_string(ServerPort(m));
  const api::Transformer& transformer = *m.md.spec.transformer;
  Json c = Container(kTransformerContainer, kTrafficPort, transformer.container, words);
  Json probe = Probe(transformer.readiness, kTrafficPort, 2, 2);
  if (transformer.readiness.empty()) {
    probe.erase("httpGet");
    probe["tcpSocket"] = {{"port", kTrafficPort}};
  }
  c["readinessProbe"] = probe;
  return c;
}

// What a container needs to reach the store.
void MountStore(const ModelSettings& settings, Json* container) {
  Json& mounts = (*container)["volumeMounts"];
  mounts.push_back({{"name", kStoreVolume}, {"mountPath", kStoreFolder}, {"readOnly", true}});
  if (settings.store.url.empty()) return;
  mounts.push_back({{"name", kTokenVolume}, {"mountPath", kTokenFolder}, {"readOnly", true}});
}

std::string StoreFile() { return std::string(kStoreFolder) + "/" + kStoreKey; }

std::string FillIn(std::string text, const ModelWords& words) {
  const std::pair<const char*, const std::string*> known[] = {{"$(model.path)", &words.path},
                                                              {"$(model.name)", &words.name},
                                                              {"$(model.version)", &words.version},
                                                              {"$(model.digest)", &words.digest},
                                                              {"$(server.url)", &words.server_url}};
  for (const auto& [reference, value] : known) {
    if (value->empty()) continue;
    for (std::size_t at = 0; (at = text.find(reference, at)) != std::string::npos;
         at += value->size())
      text.replace(at, std::char_traits<char>::length(reference), *value);
  }
  return text;
}

}  // namespace penstock::plan
