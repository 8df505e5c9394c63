#include "operator/controllers/run_history.h"

#include <map>

#include "operator/base/json.h"
#include "operator/controllers/revision.h"
#include "operator/controllers/run_record.h"
#include "operator/kube/resources.h"

namespace penstock::controllers {
namespace {

using Pinned = std::map<std::string, plan::ResolvedRun>;  // by run UID

void ReadPinned(const Context& context, const std::string& ns, Pinned& pinned) {
  kube::ListOptions page;
  page.label_selector = std::string(plan::kLabelManaged) + "=true";
  page.limit = 200;
  do {
    auto list = context.client.List(kube::kControllerRevisions, ns, page, {.stop = context.stop});
    if (!list) return;  // the records then lack what the steps read, and nothing else
    for (const Json& revision : list->items) {
      const auto meta = api::DecodeMeta(revision);
      const auto uid = meta.labels.find(plan::kLabelRunUid);
      auto resolved = ReadRevision(revision);
      if (resolved && uid != meta.labels.end()) pinned[uid->second] = std::move(*resolved);
    }
    page.continue_token = list->continue_token;
  } while (!page.continue_token.empty());
}

}  // namespace

void RecordRuns(const Context& context, std::vector<std::string> namespaces) {
  if (namespaces.empty()) namespaces.emplace_back();
  Pinned pinned;
  for (const std::string& ns : namespaces) ReadPinned(context, ns, pinned);
  for (const auto& run : context.snapshots.runs.List("")) {
    const auto resolved = pinned.find(run->meta.uid);
    context.recorder.RecordRun(
        MakeRecord(*run, resolved == pinned.end() ? nullptr : &resolved->second));
  }
}

}  // namespace penstock::controllers
