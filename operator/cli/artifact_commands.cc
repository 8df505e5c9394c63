// penstock artifact put, get, ls, predictions.
#include <ostream>

#include "operator/base/json.h"
#include "operator/cli/artifact_upload.h"
#include "operator/cli/commands.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/state.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

Result<ArtifactRef> Put(const ArtifactOptions& options, const fs::path& source, Session& session) {
  if (const std::optional<State> state = State::IfLocal(session)) {
    if (Result<void> created = state->Create(); !created) return created.error();
    return state->store().Put(kLocalNamespace, source);
  }
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) {
    return Wrap("no state folder here (give --state FOLDER for one)", cluster.error());
  }
  Result<std::unique_ptr<Gateway>> gateway =
      Gateway::Open({options.gateway, options.token_file, options.ca_file}, *cluster, session);
  if (!gateway) return gateway.error();
  return (*gateway)->transport().Upload(source);
}

// An artifact that a run or a Pipeline of the cluster names.
Result<ArtifactRef> FindOnCluster(const Cluster& cluster, const std::string& name) {
  if (name.starts_with("sha256:")) return ArtifactRef{name, false, 0};
  const std::size_t slash = name.find('/');
  const std::string owner = name.substr(0, slash);
  const std::string rest = slash == std::string::npos ? "" : name.substr(slash + 1);
  const bool of_step = rest.find('/') != std::string::npos;
  const Result<Json> object = cluster.client->Get(of_step ? kube::kPipelineRuns : kube::kPipelines,
                                                  cluster.namespace_, owner);
  if (!object) return object.error();
  Json outputs = object->value("status", Json::object()).value("outputs", Json::array());
  std::string wanted = rest;
  if (of_step) {
    outputs = Json::array();
    const std::string step = rest.substr(0, rest.find('/'));
    wanted = rest.substr(rest.find('/') + 1);
    for (const Json& s : object->value("status", Json::object()).value("steps", Json::array())) {
      if (s.value("name", "") == step) outputs = s.value("outputs", Json::array());
    }
  }
  for (const Json& output : outputs) {
    if (output.value("name", "") != wanted && !(wanted.empty() && outputs.size() == 1)) continue;
    return ArtifactRef{output.value("digest", ""), output.value("folder", false),
                       output.value("bytes", std::uint64_t{0})};
  }
  return NotFound("there is no artifact " + name + " in namespace " + cluster.namespace_);
}

// Files that `to` does not have yet, fetched; how many, and their bytes.
struct Fetched {
  std::size_t files = 0;
  std::uint64_t bytes = 0;
};
Result<Fetched> FetchPredictionLog(const std::string& deployment, const fs::path& to,
                                   artifacts::Transport& transport) {
  const auto files = transport.ListPredictions(deployment);
  if (!files) return files.error();
  Fetched fetched;
  for (const auto& file : *files) {
    std::error_code ignored;
    if (fs::exists(to / file.name, ignored)) continue;
    const Result<void> got = transport.FetchPredictions(deployment, file.name, to / file.name);
    if (!got) return got.error();
    ++fetched.files;
    fetched.bytes += file.bytes;
  }
  return fetched;
}

}  // namespace

int PutArtifact(const ArtifactOptions& options, Session& session) {
  const Result<ArtifactRef> artifact = Put(options, session.directory / options.source, session);
  if (!artifact) return session.Fail(kFailed, artifact.error().message);
  if (options.output == "json") {
    session.out << Json(*artifact).dump() << "\n";
  } else {
    session.out << artifact->digest << "\n";
  }
  return kOk;
}

int GetArtifact(const ArtifactOptions& options, Session& session) {
  const fs::path to = session.directory / options.to;
  std::error_code ignored;
  if (fs::exists(to, ignored)) {
    return session.Fail(kFailed, to.string() + " exists already; nothing was written");
  }
  if (const std::optional<State> state = State::IfLocal(session)) {
    const Result<ArtifactRef> artifact = state->FindArtifact(options.source);
    if (!artifact) return session.Fail(kFailed, artifact.error().message);
    const Result<void> got = state->store().Get(kLocalNamespace, *artifact, to);
    if (!got) return session.Fail(kFailed, got.error().message);
  } else {
    const Result<Cluster> cluster = session.connect(session.flags);
    if (!cluster) return session.Fail(kFailed, cluster.error().message);
    const Result<ArtifactRef> artifact = FindOnCluster(*cluster, options.source);
    if (!artifact) return session.Fail(kFailed, artifact.error().message);
    Result<std::unique_ptr<Gateway>> gateway =
        Gateway::Open({options.gateway, options.token_file, options.ca_file}, *cluster, session);
    if (!gateway) return session.Fail(kFailed, gateway.error().message);
    const Result<void> got = (*gateway)->transport().Fetch(*artifact, to);
    if (!got) return session.Fail(kFailed, got.error().message);
  }
  session.out << options.to << " written\n";
  return kOk;
}

int GetPredictions(const ArtifactOptions& options, Session& session) {
  const fs::path to = session.directory / options.to;
  Result<Fetched> fetched = Internal("not fetched");
  if (const std::optional<State> state = State::IfLocal(session)) {
    TaskStore store;
    store.folder = state->store().root().string();
    artifacts::TransportOptions local;
    local.namespace_ = kLocalNamespace;
    auto transport = artifacts::MakeTransport(store, local);
    if (!transport) return session.Fail(kFailed, transport.error().message);
    fetched = FetchPredictionLog(options.source, to, **transport);
  } else {
    const Result<Cluster> cluster = session.connect(session.flags);
    if (!cluster) return session.Fail(kFailed, cluster.error().message);
    Result<std::unique_ptr<Gateway>> gateway =
        Gateway::Open({options.gateway, options.token_file, options.ca_file}, *cluster, session);
    if (!gateway) return session.Fail(kFailed, gateway.error().message);
    fetched = FetchPredictionLog(options.source, to, (*gateway)->transport());
  }
  if (!fetched) return session.Fail(kFailed, fetched.error().message);
  if (options.output == "json") {
    session.out << Json{{"files", fetched->files}, {"bytes", fetched->bytes}}.dump() << "\n";
  } else {
    session.out << fetched->files << " new files, " << HumanBytes(fetched->bytes) << ", in "
                << options.to << "\n";
  }
  return kOk;
}

int ListArtifacts(const ArtifactOptions& options, Session& session) {
  std::vector<Json> runs;
  if (const std::optional<State> state = State::IfLocal(session)) {
    Result<std::vector<Json>> loaded = state->Load(kube::kPipelineRuns);
    if (!loaded) return session.Fail(kFailed, loaded.error().message);
    runs = *std::move(loaded);
  } else {
    const Result<Cluster> cluster = session.connect(session.flags);
    if (!cluster) return session.Fail(kFailed, cluster.error().message);
    Result<kube::ListPage> page =
        cluster->client->List(kube::kPipelineRuns, cluster->namespace_, {});
    if (!page) return session.Fail(kFailed, page.error().message);
    runs = std::move(page->items);
  }
  Table table{{"NAME", "TYPE", "SIZE", "DIGEST"}, {}};
  Json list = Json::array();
  for (const Json& run : runs) {
    const std::string name = run["metadata"].value("name", "");
    if (!options.source.empty() && options.source != name) continue;
    for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
      for (const Json& output : step.value("outputs", Json::array())) {
        const std::string full =
            name + "/" + step.value("name", "") + "/" + output.value("name", "");
        const std::string digest = output.value("digest", "");
        Json entry = output;
        entry["name"] = full;
        list.push_back(std::move(entry));
        table.rows.push_back({full, output.value("type", ""),
                              HumanBytes(output.value("bytes", std::uint64_t{0})),
                              options.output == "wide" ? digest : digest.substr(0, 15)});
      }
    }
  }
  if (options.output == "json") {
    session.out << list.dump(2) << "\n";
  } else if (options.output == "name") {
    for (const auto& row : table.rows) session.out << row[0] << "\n";
  } else if (options.output.empty() || options.output == "wide") {
    session.out << Format(table, static_cast<std::size_t>(session.width));
  } else {
    return session.Fail(
        kUsage, "output \"" + options.output + "\" is not known; choose json, name or wide");
  }
  return kOk;
}

}  // namespace penstock::cli
