#include "operator/main/engine_options.h"

namespace penstock::main {
namespace {

runtime::Note NoteOf(const controllers::EventNote& note) {
  const std::string group(note.type->group), version(note.type->version);
  return {group.empty() ? version : group + "/" + version,
          std::string(note.type->kind),
          note.ns,
          note.name,
          note.uid,
          note.resource_version,
          note.event_type,
          note.reason,
          note.message};
}

}  // namespace

controllers::EngineOptions EngineOptionsOf(const Options& options, const std::string& ca_pem,
                                           const runtime::Log& log, runtime::Metrics& metrics,
                                           runtime::EventRecorder& events) {
  controllers::EngineOptions engine;
  engine.namespaces = options.namespaces;
  engine.workers = options.workers;
  engine.pods_per_second = options.pods_per_second;
  engine.settings.max_pods = options.max_pods_per_namespace;
  if (options.max_parallelism > 0) engine.settings.pods.max_parallelism = options.max_parallelism;
  engine.settings.ask_registries = options.ask_registries;
  engine.settings.approval_policy = options.approval_policy;
  engine.settings.pod_fields.emplace(options.pod_fields.begin(), options.pod_fields.end());
  engine.settings.library_namespace = options.library_namespace;
  engine.settings.library_image = options.components_image;
  engine.settings.git_image = options.git_image;
  engine.settings.serve_image = options.serve_image;
  engine.settings.router_image = options.router_image;
  engine.settings.source_deny = options.source_deny;
  engine.settings.source_allow = options.source_allow;
  engine.settings.pods.launcher_image = options.launcher_image;
  engine.settings.pods.store.url = options.gateway_url;
  engine.settings.pods.store.ca_pem = ca_pem;
  engine.hooks.log = [&log](const std::string& level, const std::string& line) {
    log.Write(level, line);
  };
  engine.hooks.reconciled = [&metrics](const auto& controller, auto took, const auto& outcome) {
    metrics.Reconciled(controller, took, outcome);
  };
  engine.hooks.handoff = [&metrics](Milliseconds took) { metrics.Handoff(took); };
  engine.hooks.event = [&events](const controllers::EventNote& note) {
    events.Record(NoteOf(note));
  };
  return engine;
}

}  // namespace penstock::main
