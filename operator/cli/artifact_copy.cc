#include "operator/artifacts/manifest_reader.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/gateway/artifact_upload.h"
#include "operator/cli/history/run_lookup.h"
#include "operator/cli/objects/artifact_name.h"
#include "operator/cli/objects/state.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

namespace fs = std::filesystem;

Result<void> FetchByDigest(artifacts::Transport& transport, const std::string& digest,
                           const fs::path& to) {
  if (Result<void> got = transport.Fetch({digest, false, 0}, to); !got) return got;
  const Result<ArtifactRef> artifact = artifacts::FileOrFolder(to, digest);
  if (!artifact) return artifact.error();
  if (!artifact->folder) return {};
  std::error_code ignored;
  fs::remove(to, ignored);
  return transport.Fetch(*artifact, to);
}

Result<void> GetFromCluster(const ArtifactOptions& options, const fs::path& to, Session& session) {
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return cluster.error();
  const bool by_digest = options.source.starts_with("sha256:");
  Result<ArtifactRef> artifact = ArtifactRef{options.source, false, 0};
  if (!by_digest) {
    const auto pipeline = [&](const std::string& name) {
      return cluster->client->Get(kube::kPipelines, cluster->namespace_, name);
    };
    const auto run = [&](const std::string& name) { return FindClusterRun(*cluster, name); };
    artifact = FindOutput(options.source, {pipeline, run});
    if (!artifact) return artifact.error();
  }
  Result<std::unique_ptr<Gateway>> gateway =
      Gateway::Open({options.gateway, options.token_file, options.ca_file}, *cluster, session);
  if (!gateway) return gateway.error();
  artifacts::Transport& transport = (*gateway)->transport();
  return by_digest ? FetchByDigest(transport, options.source, to) : transport.Fetch(*artifact, to);
}

// Folders come out of the store read-only; who asked for the copy may delete it.
Result<void> MakeDeletable(const fs::path& copy) {
  std::error_code error;
  if (!fs::is_directory(fs::symlink_status(copy))) return {};
  const auto open = [&error](const fs::path& folder) {
    fs::permissions(folder, fs::perms::owner_write, fs::perm_options::add, error);
  };
  open(copy);
  for (fs::recursive_directory_iterator it(copy, error), end; !error && it != end;
       it.increment(error)) {
    if (fs::is_directory(it->symlink_status())) open(it->path());
  }
  if (error) return FromErrno(copy.string(), error.value());
  return {};
}

}  // namespace

Result<void> CopyClusterArtifact(const ArtifactOptions& options, const fs::path& to,
                                 Session& session) {
  const Result<void> got = GetFromCluster(options, to, session);
  return got ? MakeDeletable(to) : got;
}

Result<void> CopyArtifact(const ArtifactOptions& options, const fs::path& to, Session& session) {
  const std::optional<State> state = State::IfLocal(session);
  if (!state) return CopyClusterArtifact(options, to, session);
  const Result<ArtifactRef> artifact = state->FindArtifact(options.source);
  if (!artifact) return artifact.error();
  const Result<void> got = state->store().Get(kLocalNamespace, *artifact, to);
  return got ? MakeDeletable(to) : got;
}

}  // namespace penstock::cli
