// penstock artifact put, get, ls, predictions.
#include <ostream>

#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/gateway/artifact_upload.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/state.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

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

Result<ArtifactRef> StoreArtifact(const ArtifactOptions& options, const fs::path& source,
                                  Session& session, std::string& where) {
  if (const std::optional<State> state = State::IfLocal(session)) {
    if (Result<void> created = state->Create(); !created) return created.error();
    where = "this machine's state folder " + state->root().string() + ", for `" + session.name +
            " run`; with --cluster it goes to the cluster";
    return state->store().Put(kLocalNamespace, source);
  }
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) {
    return Wrap("no state folder here (give --state FOLDER for one)", cluster.error());
  }
  Result<std::unique_ptr<Gateway>> gateway =
      Gateway::Open({options.gateway, options.token_file, options.ca_file}, *cluster, session);
  if (!gateway) return gateway.error();
  where = "namespace " + cluster->namespace_ + " of the cluster " + cluster->server +
          "; with --state FOLDER it stays on this machine";
  return (*gateway)->transport().Upload(source);
}

int PutArtifact(const ArtifactOptions& options, Session& session) {
  std::string where;
  const Result<ArtifactRef> artifact =
      StoreArtifact(options, session.directory / options.source, session, where);
  if (!artifact) return session.Fail(kFailed, artifact.error().message);
  session.err << "in " << where << "\n"
              << "a step's input takes it by its digest: inputs: {data: \"" << artifact->digest
              << "\"}, and has the " << (artifact->folder ? "folder" : "file")
              << " at $(inputs.data.path)\n";
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
  const Result<void> got = CopyArtifact(options, to, session);
  if (!got) return session.Fail(kFailed, got.error().message);
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
  bool known = options.source.empty();
  for (const Json& run : runs) {
    const std::string name = run["metadata"].value("name", "");
    if (!options.source.empty() && options.source != name) continue;
    known = true;
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
  if (!known)
    return session.Fail(kFailed, "there is no run \"" + options.source + "\" here; `" +
                                     session.name + " get runs` lists them");
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
