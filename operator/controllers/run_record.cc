#include "operator/controllers/run_record.h"

#include <map>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/revisions/revision.h"

namespace penstock::controllers {
namespace {

// What runs are pinned to, and the object that says so, by namespace and name of the revision.
struct PinnedSpec {
  plan::ResolvedRun resolved;
  std::string object;
};
using Pinned = std::map<std::pair<std::string, std::string>, PinnedSpec>;

void ReadPinned(const Context& context, const std::string& ns, Pinned& pinned) {
  kube::ListOptions page;
  page.label_selector = std::string(plan::kLabelManaged) + "=true";
  page.limit = 200;
  do {
    auto list = context.client.List(kube::kControllerRevisions, ns, page, {.stop = context.stop});
    if (!list) return;  // the records then lack what the steps read, and nothing else
    for (const Json& revision : list->items) {
      const auto meta = api::DecodeMeta(revision);
      auto resolved = revisions::ReadRevision(revision);
      if (resolved) pinned[{meta.namespace_, meta.name}] = {std::move(*resolved), revision.dump()};
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
    const auto resolved = pinned.find({run->meta.namespace_, run->status.revision});
    const PinnedSpec* spec = resolved == pinned.end() ? nullptr : &resolved->second;
    context.recorder.RecordRun(spec == nullptr ? MakeRecord(*run, nullptr)
                                               : MakeRecord(*run, &spec->resolved, &spec->object));
  }
}

}  // namespace penstock::controllers
