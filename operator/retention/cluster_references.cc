#include "operator/retention/cluster_references.h"

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/revisions/revision.h"

namespace penstock::retention {
namespace {

// Of a page: the largest objects are of 256 KiB, and ten times that in memory.
constexpr int kPage = 20;

}  // namespace

struct ClusterReferences::Kind {
  const kube::ResourceType& type;
  bool managed = false;  // those with our label alone
};

Result<void> TextsOf(const Json& object, const artifacts::References::TextSink& sink) {
  sink(object.dump(-1, ' ', false, Json::error_handler_t::replace));
  if (object.value("kind", "") != kube::kControllerRevisions.kind) return {};
  if (!api::DecodeMeta(object).name.starts_with(revisions::kRevisionPrefix)) return {};
  const auto text = revisions::UnpackRevision(object);
  if (!text) return text.error();
  sink(*text);
  return {};
}

Result<void> HistoryOf(const metadata::Query& history, const std::string& ns, TimePoint since,
                       const artifacts::References::TextSink& sink) {
  return history.EachKept(
      ns, since,
      {.text = [&](const std::string& text) { sink(text); },
       // One that is damaged can be run by nobody.
       .spec = [&](const Json& revision) { static_cast<void>(TextsOf(revision, sink)); }});
}

Result<void> ClusterReferences::Each(const std::string& ns, const TextSink& sink,
                                     const std::stop_token& stop) {
  PENSTOCK_TRY(EachOf({kube::kPods, true}, ns, sink, stop));
  PENSTOCK_TRY(EachOf({kube::kPipelineRuns}, ns, sink, stop));
  PENSTOCK_TRY(EachOf({kube::kControllerRevisions, true}, ns, sink, stop));
  PENSTOCK_TRY(HistoryOf(history_, ns, clock_.Now() - keep_, sink));
  for (const kube::ResourceType* type : {&kube::kPipelines, &kube::kComponents, &kube::kModels,
                                         &kube::kModelVersions, &kube::kModelDeployments})
    PENSTOCK_TRY(EachOf({*type}, ns, sink, stop));
  if (library_namespace_.empty() || library_namespace_ == ns) return {};
  return EachOf({kube::kComponents}, library_namespace_, sink, stop);
}

Result<void> ClusterReferences::EachOf(const Kind& kind, const std::string& ns,
                                       const TextSink& sink, const std::stop_token& stop) const {
  kube::ListOptions options;
  options.limit = kPage;
  if (kind.managed) options.label_selector = std::string(plan::kLabelManaged) + "=true";
  do {
    const auto page = client_.List(kind.type, ns, options, {.stop = stop});
    if (!page) return Wrap("the " + std::string(kind.type.plural) + " of " + ns, page.error());
    for (const Json& object : page->items) PENSTOCK_TRY(TextsOf(object, sink));
    options.continue_token = page->continue_token;
  } while (!options.continue_token.empty());
  return {};
}

}  // namespace penstock::retention
