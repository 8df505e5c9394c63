// The runs of a cluster's namespace, seen with the kubeconfig's identity: watched, and recorded in
// a database of this process's own, so that `penstock ui --context` shows lists as a gateway does.
// It begins with the runs that stand; artifacts are with the cluster's gateway. Owns its threads.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "operator/cli/objects/session.h"
#include "operator/kube/informer.h"
#include "operator/metadata/batch_recorder.h"
#include "operator/plan/resolve/resolve.h"
#include "operator/views/cluster_place.h"

namespace penstock::cli {

class ClusterMirror {
 public:
  // `client` and `clock` must outlive it. Gives up with what the API server says where the runs
  // cannot be listed.
  [[nodiscard]] static Result<std::unique_ptr<ClusterMirror>> Open(kube::Client& client,
                                                                   const std::string& ns,
                                                                   const Clock& clock,
                                                                   const std::stop_token& stop);
  ~ClusterMirror();

  [[nodiscard]] const views::Place& place() const { return *place_; }

 private:
  ClusterMirror(kube::Client& client, std::string ns, std::filesystem::path folder,
                const Clock& clock);
  void Record(const Json& object);
  [[nodiscard]] std::shared_ptr<const plan::ResolvedRun> SpecOf(const std::string& revision);

  kube::Client& client_;
  const std::string ns_;
  const std::filesystem::path folder_;
  std::map<std::string, std::shared_ptr<const plan::ResolvedRun>> specs_;  // the informer's thread
  std::mutex mutex_;
  std::string failure_;
  std::unique_ptr<metadata::BatchRecorder> recorder_;
  std::unique_ptr<views::ClusterPlace> place_;
  std::unique_ptr<kube::Informer> runs_;  // last: its thread uses the rest
};

}  // namespace penstock::cli
