// penstock lineage: what an artifact or a model was made of, down to the files, and up again.
#include "operator/cli/ui/lineage_command.h"

#include <ostream>

#include "operator/cli/gateway/artifact_upload.h"
#include "operator/cli/history/run_lookup.h"
#include "operator/cli/objects/artifact_name.h"
#include "operator/cli/objects/state.h"
#include "operator/cli/ui/local_place.h"
#include "operator/kube/resources.h"
#include "operator/net/url.h"
#include "operator/views/lineage_view.h"

namespace penstock::cli {
namespace {

Result<Json> OnThisMachine(const LineageOptions& options, const State& state,
                           const Session& session) {
  const Result<ArtifactRef> artifact = state.FindArtifact(options.what);
  if (!artifact) return artifact.error();
  const auto place = LocalPlace::Open(state, session.clock);
  if (!place) return place.error();
  views::LineageAsk ask;
  ask.ns = kLocalNamespace;
  ask.artifact = artifact->digest;
  ask.up = options.direction != "down";
  ask.down = options.direction != "up";
  ask.depth = options.depth;
  return views::LineageView(**place, ask, session.interrupted);
}

// "artifact=sha256:..." or "model=...": by a digest, an output of a run or Pipeline, else a model.
Result<std::string> Subject(const LineageOptions& options, const Cluster& cluster) {
  if (options.what.starts_with("sha256:")) return "artifact=" + net::UrlEncode(options.what);
  const bool slashes = options.what.find('/') != std::string::npos;
  const Result<ArtifactRef> artifact =
      options.what.find(':') != std::string::npos
          ? Result<ArtifactRef>(NotFound(""))
          : FindOutput(options.what,
                       {[&](const std::string& name) {
                          return cluster.client->Get(kube::kPipelines, cluster.namespace_, name);
                        },
                        [&](const std::string& name) { return FindClusterRun(cluster, name); }});
  if (artifact) return "artifact=" + net::UrlEncode(artifact->digest);
  if (slashes || artifact.error().kind != ErrorKind::kNotFound) return artifact.error();
  return "model=" + net::UrlEncode(options.what);
}

Result<Json> OnTheCluster(const LineageOptions& options, const Session& session) {
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return cluster.error();
  const Result<std::string> subject = Subject(options, *cluster);
  if (!subject) return subject.error();
  const auto gateway =
      Gateway::Open({options.gateway, options.token_file, options.ca_file}, *cluster, session);
  if (!gateway) return gateway.error();
  const auto ask = [&](const std::string& of) {
    return (*gateway)->Ask("/api/v1/namespaces/" + cluster->namespace_ + "/lineage?" + of +
                           "&direction=" + options.direction +
                           "&depth=" + std::to_string(options.depth));
  };
  auto lineage = ask(*subject);
  const bool is_unknown = !lineage && lineage.error().kind == ErrorKind::kNotFound;
  if (!is_unknown || !subject->starts_with("model=")) return lineage;
  // What is no model may be the id of a request that one answered.
  auto of_request = ask("request=" + net::UrlEncode(options.what));
  if (of_request || of_request.error().kind != ErrorKind::kNotFound) return of_request;
  return NotFound(lineage.error().message + "; " + of_request.error().message);
}

}  // namespace

int Lineage(const LineageOptions& options, Session& session) {
  if (!options.output.empty() && options.output != "json" && options.output != "dot")
    return session.Fail(kUsage,
                        "output \"" + options.output + "\" is not known; choose json or dot");
  const std::optional<State> state = State::IfLocal(session);
  const Result<Json> lineage =
      state ? OnThisMachine(options, *state, session) : OnTheCluster(options, session);
  if (!lineage) return session.Fail(kFailed, lineage.error().message);
  if (options.output == "json")
    session.out << lineage->dump(2) << "\n";
  else
    session.out << (options.output == "dot" ? views::LineageDot(*lineage)
                                            : views::LineageText(*lineage));
  return kOk;
}

}  // namespace penstock::cli
