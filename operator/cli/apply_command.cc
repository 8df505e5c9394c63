// penstock apply: what `kubectl apply --server-side` does, after `code: {path}` was uploaded.
#include <ostream>

#include "operator/api/approval.h"
#include "operator/base/json.h"
#include "operator/cli/commands.h"
#include "operator/cli/gateway/artifact_upload.h"
#include "operator/cli/objects/manifest_check.h"
#include "operator/cli/objects/manifest_files.h"
#include "operator/cli/objects/who_am_i.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

struct Item {
  const kube::ResourceType* type;
  const Json* object;
  std::string file;
};

std::vector<Item> ItemsOf(const Manifests& manifests) {
  std::vector<Item> items;
  for (const auto& c : manifests.components) {
    items.push_back({&kube::kComponents, &c.document.object, c.file});
  }
  for (const auto& p : manifests.pipelines) {
    items.push_back({&kube::kPipelines, &p.document.object, p.file});
  }
  for (const auto& m : manifests.models) {
    items.push_back({&kube::kModelDeployments, &m.document.object, m.file});
  }
  for (const auto& r : manifests.runs) {
    items.push_back({&kube::kPipelineRuns, &r.document.object, r.file});
  }
  return items;
}

// Uploads the code folders that the object names; opens the gateway at the first one.
Result<void> UploadCode(Json& steps, const Item& item, const ApplyOptions& options,
                        const Cluster& cluster, const Session& session,
                        std::unique_ptr<Gateway>& gateway) {
  for (Json& step : steps) {
    if (step.contains("pipeline") && step["pipeline"].contains("steps")) {
      auto within = UploadCode(step["pipeline"]["steps"], item, options, cluster, session, gateway);
      if (!within) return within;
    }
    if (!step.contains("container") || !step["container"].contains("code")) continue;
    Json& code = step["container"]["code"];
    const std::string path = code.value("path", "");
    if (path.empty()) continue;
    const auto folder = CodeFolder(item.file, path, session.directory);
    const std::string lock = code.value("requirements", Json::object()).value("file", "");
    if (!lock.empty())
      if (const auto wrong = WrongLock(folder, lock))
        return Invalid("step " + step.value("name", "") + ": code.requirements: " + *wrong);
    if (options.dry_run) continue;
    if (!gateway) {
      auto opened =
          Gateway::Open({options.gateway, options.token_file, options.ca_file}, cluster, session);
      if (!opened) return opened.error();
      gateway = *std::move(opened);
    }
    const Result<ArtifactRef> artifact = gateway->transport().Upload(folder);
    if (!artifact) return Wrap("step " + step.value("name", "") + ": code", artifact.error());
    code.erase("path");
    code["artifact"] = artifact->digest;
  }
  return {};
}

// Who starts runs of it is said of one that is new, or changed; who has started a run stands.
Result<void> SaySubmitter(Json& object, const kube::ResourceType& type, const std::string& ns,
                          const std::string& me, kube::Client& client) {
  std::string who = me;
  const std::string name = object["metadata"].value("name", "");
  if (type == kube::kPipelineRuns && !name.empty()) {
    const Result<Json> live = client.Get(type, ns, name);
    if (!live && live.error().kind != ErrorKind::kNotFound) return live.error();
    if (live)
      who = (*live)["metadata"].value("annotations", Json::object()).value(api::kSubmittedBy, "");
  }
  if (!who.empty()) object["metadata"]["annotations"][api::kSubmittedBy] = who;
  return {};
}

// `me` is who applies it; empty: not known.
Result<std::string> ApplyOne(const Item& item, const std::string& me, const ApplyOptions& options,
                             const Cluster& cluster, const Session& session,
                             std::unique_ptr<Gateway>& gateway) {
  Json object = *item.object;
  Json* spec = &object["spec"];
  if (spec->contains("pipelineSpec")) spec = &(*spec)["pipelineSpec"];
  for (const char* steps : {"steps", "finally"}) {
    if (!spec->is_object() || !spec->contains(steps)) continue;
    const Result<void> uploaded =
        UploadCode((*spec)[steps], item, options, cluster, session, gateway);
    if (!uploaded) return uploaded.error();
  }
  const bool starts_runs = *item.type == kube::kPipelines || *item.type == kube::kPipelineRuns;
  const Json& meta = object["metadata"];
  const std::string ns = session.flags.namespace_.empty()
                             ? meta.value("namespace", cluster.namespace_)
                             : cluster.namespace_;
  const std::string name = meta.value("name", "");
  std::string kind(item.type->kind);
  for (char& c : kind) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  const std::string group = "." + std::string(item.type->group) + "/";
  if (starts_runs && !options.dry_run)
    if (auto said = SaySubmitter(object, *item.type, ns, me, *cluster.client); !said)
      return Wrap(kind + "/" + name, said.error());
  if (options.dry_run) return kind + group + name + " applied (dry run)";
  if (name.empty()) {
    const Result<Json> made = cluster.client->Create(*item.type, ns, object);
    if (!made) return made.error();
    return kind + group + (*made)["metadata"].value("name", "") + " created";
  }
  kube::PatchOptions patch;
  patch.field_manager = "penstock-cli";
  patch.force = false;  // another manager's fields are not taken silently
  const Result<Json> applied = cluster.client->Apply(*item.type, ns, name, object, patch);
  if (!applied) return Wrap(kind + "/" + name, applied.error());
  return kind + group + name + " serverside-applied";
}

}  // namespace

int Apply(const ApplyOptions& options, Session& session) {
  const Manifests manifests = LoadManifests(options.files, session.directory, session.in);
  // Components may be the cluster's: only what the files alone decide is checked here.
  for (const Problem& problem : manifests.problems) session.err << Describe(problem) << "\n";
  if (!manifests.problems.empty()) return kInvalidSpec;
  const std::vector<Item> items = ItemsOf(manifests);
  for (const auto& other : manifests.others) {
    session.err << "note: " << other.file << ": " << other.value.value("kind", "")
                << " is none of Penstock's: apply it with kubectl\n";
  }
  for (const auto& approval : manifests.approvals)
    session.err << "note: " << approval.file << ": a decision is made once and by a person: "
                << "`penstock approve`, or kubectl create\n";
  if (items.empty()) return session.Fail(kInvalidSpec, "the files hold nothing to apply");
  const Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return session.Fail(kFailed, cluster.error().message);
  std::unique_ptr<Gateway> gateway;
  // An approval may ask who it is.
  const Result<Person> me = options.dry_run ? NotFound("not asked") : WhoAmI(*cluster->client);
  int code = kOk;
  for (const Item& item : items) {
    const Result<std::string> done =
        ApplyOne(item, me ? me->name : "", options, *cluster, session, gateway);
    if (done) {
      session.out << *done << "\n";
    } else {
      code = session.Fail(done.error());
    }
  }
  return code;
}

}  // namespace penstock::cli
