#include "operator/cli/store/bundle_command.h"

#include <unistd.h>

#include <filesystem>
#include <optional>
#include <ostream>

#include "operator/base/is_there.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/cli/gateway/artifact_upload.h"
#include "operator/cli/history/run_lookup.h"
#include "operator/cli/model/registry_client.h"
#include "operator/cli/objects/artifact_name.h"
#include "operator/cli/objects/state.h"
#include "operator/cli/objects/table.h"
#include "operator/cli/store/bundle.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

// The store that is meant: a state folder's, or a cluster's.
struct StorePlace {
  std::optional<State> state;
  std::optional<Cluster> cluster;
  std::unique_ptr<Gateway> gateway;
  std::unique_ptr<artifacts::Transport> folder;
  [[nodiscard]] artifacts::Transport& transport() const {
    return gateway ? gateway->transport() : *folder;
  }
};

Result<StorePlace> OpenPlace(const BundleOptions& options, Session& session) {
  StorePlace place;
  place.state = State::IfLocal(session);
  if (place.state) {
    PENSTOCK_TRY(place.state->Create());
    TaskStore store;
    store.folder = place.state->store().root().string();
    artifacts::TransportOptions local;
    local.namespace_ = kLocalNamespace;
    local.stop = session.interrupted;
    PENSTOCK_ASSIGN(place.folder, artifacts::MakeTransport(store, local));
    return place;
  }
  PENSTOCK_ASSIGN(place.cluster, session.connect(session.flags));
  PENSTOCK_ASSIGN(place.gateway,
                  Gateway::Open({options.gateway, options.token_file, options.ca_file},
                                *place.cluster, session));
  return place;
}

// All that its steps gave, each digest once.
std::vector<BundledArtifact> OutputsOfRun(const Json& run) {
  std::vector<BundledArtifact> found;
  const std::string name = run["metadata"].value("name", "");
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array()))
    for (const Json& output : step.value("outputs", Json::array()))
      found.push_back({name + "/" + step.value("name", "") + "/" + output.value("name", ""),
                       {output.value("digest", ""), output.value("folder", false), 0}});
  return found;
}

Result<Json> RunNamed(const StorePlace& place, const std::string& name) {
  if (place.state) return place.state->Get(kube::kPipelineRuns, name);
  return place.cluster->client->Get(kube::kPipelineRuns, place.cluster->namespace_, name);
}

Result<ArtifactRef> OutputNamed(const StorePlace& place, const std::string& what,
                                Session& session) {
  if (place.state) return place.state->FindArtifact(what);
  if (const auto colon = what.find(':'); colon != std::string::npos) {
    PENSTOCK_ASSIGN(const Registry registry, Registry::Open(session));
    PENSTOCK_ASSIGN(const ModelVersion version,
                    registry.Find(what.substr(0, colon), what.substr(colon + 1)));
    if (!version.spec.source.empty())
      return Invalid(what + " stands at " + version.spec.source + " and not in the store");
    return ArtifactRef{version.spec.digest, version.spec.folder, version.spec.bytes};
  }
  const Cluster& cluster = *place.cluster;
  return FindOutput(what, {[&](const std::string& name) {
                             return cluster.client->Get(kube::kPipelines, cluster.namespace_, name);
                           },
                           [&](const std::string& name) { return FindClusterRun(cluster, name); }});
}

Result<std::vector<BundledArtifact>> FindAll(const StorePlace& place,
                                             const std::vector<std::string>& names,
                                             Session& session) {
  std::vector<BundledArtifact> all;
  for (const std::string& what : names) {
    if (IsDigest(what)) {
      all.push_back({what, {what, false, 0}});
      continue;
    }
    if (what.find_first_of("/:") == std::string::npos) {
      const Result<Json> run = RunNamed(place, what);
      if (!run && run.error().kind != ErrorKind::kNotFound) return run.error();
      if (run) {
        std::vector<BundledArtifact> outputs = OutputsOfRun(*run);
        if (outputs.empty()) return NotFound("run " + what + " has given no artifacts");
        all.insert(all.end(), outputs.begin(), outputs.end());
        continue;
      }
    }
    PENSTOCK_ASSIGN(const ArtifactRef artifact, OutputNamed(place, what, session));
    all.push_back({what, artifact});
  }
  return all;
}

void Tell(const Bundled& bundled, const BundleOptions& options, const char* done,
          Session& session) {
  if (options.json) {
    Json told{{"files", bundled.files}, {"bytes", bundled.bytes}, {"artifacts", Json::array()}};
    for (const BundledArtifact& one : bundled.artifacts)
      told["artifacts"].push_back(
          {{"name", one.name}, {"digest", one.artifact.digest}, {"folder", one.artifact.folder}});
    session.out << told.dump(2) << "\n";
    return;
  }
  Table table{{"ARTIFACT", "NAME"}, {}};
  for (const BundledArtifact& one : bundled.artifacts)
    table.rows.push_back({one.artifact.digest, one.name});
  session.out << Format(table);
  session.err << done << " " << bundled.files << " files, " << HumanBytes(bundled.bytes) << "\n";
}

// Beside the archive on the way out: there is room for it. Removed with what is left in it.
class ScratchFolder {
 public:
  explicit ScratchFolder(fs::path path) : path_(std::move(path)) {}
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  [[nodiscard]] Result<void> Make() const {
    std::error_code error;
    fs::create_directories(path_, error);
    if (error) return FromErrno(path_.string(), error.value());
    return {};
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

ScratchFolder ScratchBeside(const fs::path& file) {
  return ScratchFolder(file.string() + ".parts-" + std::to_string(::getpid()));
}

Result<Bundled> DoExport(const BundleOptions& options, Session& session) {
  const fs::path to = session.directory / options.file;
  std::error_code ignored;
  if (fs::exists(to, ignored)) return Invalid(to.string() + " exists already; nothing was written");
  PENSTOCK_ASSIGN(const StorePlace place, OpenPlace(options, session));
  PENSTOCK_ASSIGN(auto artifacts, FindAll(place, options.what, session));
  const ScratchFolder scratch = ScratchBeside(to);
  PENSTOCK_TRY(scratch.Make());
  return Export(place.transport(), std::move(artifacts), to, scratch.path(), session.interrupted);
}

Result<Bundled> DoImport(const BundleOptions& options, Session& session) {
  PENSTOCK_ASSIGN(const StorePlace place, OpenPlace(options, session));
  const fs::path from = session.directory / options.file;
  const ScratchFolder scratch(fs::temp_directory_path() /
                              ("penstock-import-" + std::to_string(::getpid())));
  PENSTOCK_TRY(scratch.Make());
  return Import(place.transport(), from, scratch.path(), session.interrupted);
}

}  // namespace

int ExportArtifacts(const BundleOptions& options, Session& session) {
  const Result<Bundled> done = DoExport(options, session);
  if (!done) return session.Fail(kFailed, done.error().message);
  Tell(*done, options, "written:", session);
  return kOk;
}

int ImportArtifacts(const BundleOptions& options, Session& session) {
  const Result<Bundled> done = DoImport(options, session);
  if (!done) return session.Fail(kFailed, done.error().message);
  Tell(*done, options, "taken in:", session);
  return kOk;
}

}  // namespace penstock::cli
