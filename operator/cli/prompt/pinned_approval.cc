#include "operator/cli/prompt/pinned_approval.h"

#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/revisions/revision.h"

namespace penstock::cli {

Result<api::ApprovalStep> PinnedApproval(kube::Client& client, const Json& run,
                                         const std::string& step) {
  const std::string ns = run.at("metadata").value("namespace", "");
  const std::string revision = run.at("status").value("revision", "");
  const auto pinned = client.Get(kube::kControllerRevisions, ns, revision);
  if (!pinned) return Wrap("what the run is made of", pinned.error());
  const auto resolved = revisions::ReadRevision(*pinned);
  if (!resolved) return resolved.error();
  const plan::ResolvedStep* found = resolved->Find(step);
  if (found == nullptr || !found->approval) return Invalid("step " + step + " is no approval");
  return *found->approval;
}

}  // namespace penstock::cli
