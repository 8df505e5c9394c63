#include "operator/cli/ui/cluster_mirror.h"

#include <stdlib.h>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/revisions/revision.h"
#include "operator/views/run/known_run.h"
#include "operator/views/run/run_record.h"

namespace penstock::cli {
namespace {

constexpr std::chrono::seconds kSyncPatience{30};
constexpr std::size_t kMostSpecs = 500;  // that are kept at a time

Result<std::filesystem::path> MirrorFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "penstock-ui-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) return FromErrno(name, errno);  // for this user alone
  return std::filesystem::path(name);
}

}  // namespace

ClusterMirror::ClusterMirror(kube::Client& client, std::string ns, std::filesystem::path folder,
                             const Clock& clock)
    : client_(client), ns_(std::move(ns)), folder_(std::move(folder)) {
  metadata::BatchRecorderOptions history;
  history.database = metadata::SqliteFile(folder_ / "metadata.sqlite");
  recorder_ = metadata::BatchRecorder::Open(history, clock);
  kube::InformerOptions options;
  options.ns = ns_;
  runs_ = std::make_unique<kube::Informer>(client_, kube::kPipelineRuns, options, clock);
  views::ClusterPlaceOptions place;
  place.namespaces = {ns_};
  place.stands = [this](const std::string& in, const std::string& name,
                        const std::string& uid) -> std::optional<bool> {
    const auto run = runs_->store().Get({in, name});
    return run != nullptr && run->value("metadata", Json::object()).value("uid", "") == uid;
  };
  place_ = std::make_unique<views::ClusterPlace>(client_, metadata::Query(history.database),
                                                 artifacts::Store(folder_ / "artifacts"),
                                                 std::move(place));
  runs_->AddHandler([this](const kube::Change& change) {
    if (change.type != kube::ChangeType::kDeleted) Record(*change.after);
  });
  runs_->OnFailure([this](const Error& error) {
    const std::lock_guard lock(mutex_);
    failure_ = error.message;
  });
}

ClusterMirror::~ClusterMirror() {
  runs_->Stop();
  recorder_.reset();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

Result<std::unique_ptr<ClusterMirror>> ClusterMirror::Open(kube::Client& client,
                                                           const std::string& ns,
                                                           const Clock& clock,
                                                           const std::stop_token& stop) {
  // Once by hand, so that a missing right is said at once, and not tried until it is there.
  kube::ListOptions one;
  one.limit = 1;
  if (auto may = client.List(kube::kPipelineRuns, ns, one, {.stop = stop}); !may)
    return Wrap("runs of namespace " + ns, may.error());
  PENSTOCK_ASSIGN(auto folder, MirrorFolder());
  std::unique_ptr<ClusterMirror> mirror(new ClusterMirror(client, ns, std::move(folder), clock));
  mirror->runs_->Start();
  if (!mirror->runs_->WaitForSync(kSyncPatience, stop)) {
    const std::lock_guard lock(mirror->mutex_);
    return Transient("the runs of namespace " + ns + " did not come in time" +
                     (mirror->failure_.empty() ? "" : ": " + mirror->failure_));
  }
  mirror->recorder_->Flush();
  return mirror;
}

std::shared_ptr<const plan::ResolvedRun> ClusterMirror::SpecOf(const std::string& revision) {
  if (revision.empty()) return nullptr;
  if (const auto known = specs_.find(revision); known != specs_.end()) return known->second;
  const auto object = client_.Get(kube::kControllerRevisions, ns_, revision);
  if (!object) return nullptr;  // who may not read it sees runs without what their steps read
  auto resolved = revisions::ReadRevision(*object);
  if (!resolved) return nullptr;
  if (specs_.size() >= kMostSpecs) specs_.clear();
  return specs_[revision] = std::make_shared<const plan::ResolvedRun>(*std::move(resolved));
}

void ClusterMirror::Record(const Json& object) {
  const auto run = views::ReadRun(object);
  if (!run) return;  // of another version of the kind; kubectl shows it
  const auto spec = SpecOf(run->run.status.revision);
  recorder_->RecordRun(views::MakeRecord(run->run, spec.get()));
}

}  // namespace penstock::cli
