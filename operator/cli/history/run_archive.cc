#include "operator/cli/history/run_archive.h"

#include <algorithm>
#include <map>

#include "operator/cli/history/run_lookup.h"
#include "operator/kube/resources.h"
#include "operator/kube/selector.h"
#include "operator/plan/attempt/labels.h"
#include "operator/plan/step/child_fact.h"
#include "operator/revisions/revision.h"

namespace penstock::cli {
namespace {

std::string Created(const Json& run) {
  return run.value("metadata", Json::object()).value("creationTimestamp", "");
}

std::string NameOf(const Json& run) {
  return run.value("metadata", Json::object()).value("name", "");
}

}  // namespace

Result<RunArchive> RunArchive::Open(const Session& session) {
  if (std::optional<State> state = State::IfLocal(session)) return RunArchive(*std::move(state));
  Result<Cluster> cluster = session.connect(session.flags);
  if (!cluster) return cluster.error();
  RunArchive archive(*cluster->client, cluster->namespace_);
  archive.owned_ = std::move(cluster->client);
  return archive;
}

Result<KnownRun> RunArchive::Find(const std::string& name) const {
  Result<Json> run = state_ ? state_->FindRun(name) : FindClusterRun(*client_, namespace_, name);
  if (!run) return run.error();
  Result<KnownRun> known = ReadRun(*std::move(run));
  if (!known) return known;
  if (Result<void> read = ReadSpec(*known); !read) return read.error();
  return known;
}

Result<void> RunArchive::ReadSpec(KnownRun& run) const {
  const std::string& name = run.run.status.revision;
  if (name.empty() || run.resolved) return {};
  const Result<Json> revision = state_ ? state_->Get(kube::kControllerRevisions, name)
                                       : client_->Get(kube::kControllerRevisions, namespace_, name);
  if (!revision && revision.error().kind == ErrorKind::kNotFound) return {};
  if (!revision) return revision.error();
  Result<plan::ResolvedRun> resolved = revisions::ReadRevision(*revision);
  if (!resolved) return Wrap("run " + run.run.meta.name, resolved.error());
  run.resolved = *std::move(resolved);
  return {};
}

Result<std::vector<Json>> RunArchive::All() const {
  if (state_) return state_->Load(kube::kPipelineRuns);
  Result<kube::ListPage> page = client_->List(kube::kPipelineRuns, namespace_, {});
  if (!page) return page.error();
  SortAsAskedFor(page->items);
  return std::move(page->items);
}

Result<std::vector<Json>> RunArchive::Labelled(const std::string& labels) const {
  kube::ListOptions list;
  list.label_selector = labels;
  if (!state_) {
    Result<kube::ListPage> page = client_->List(kube::kPipelineRuns, namespace_, list);
    if (!page) return page.error();
    return std::move(page->items);
  }
  const Result<kube::LabelSelector> selector = kube::LabelSelector::Parse(labels);
  if (!selector) return selector.error();
  Result<std::vector<Json>> all = state_->Load(kube::kPipelineRuns);
  if (!all) return all;
  std::erase_if(*all, [&](const Json& object) { return !selector->Matches(object); });
  return all;
}

Result<std::vector<KnownRun>> RunArchive::OfItems(const KnownRun& run,
                                                  const std::string& step) const {
  Result<std::vector<Json>> objects =
      Labelled(std::string(plan::kLabelParentUid) + "=" + run.run.meta.uid + "," +
               plan::kLabelStep + "=" + step);
  if (!objects) return objects.error();
  std::map<int, KnownRun> newest;
  std::map<int, int> attempts;
  for (Json& object : *objects) {
    Result<KnownRun> known = ReadRun(std::move(object));
    if (!known) return known.error();
    const auto item = plan::ItemOf(known->run);
    const int attempt = plan::ReadChild(known->run).attempt;
    if (!item || attempt <= attempts[item->second]) continue;
    attempts[item->second] = attempt;
    newest.insert_or_assign(item->second, *std::move(known));
  }
  std::vector<KnownRun> runs;
  for (auto& [item, known] : newest) runs.push_back(std::move(known));
  return runs;
}

Result<std::vector<KnownRun>> RunArchive::Before(const KnownRun& run) const {
  Result<std::vector<Json>> all = All();
  if (!all) return all.error();
  auto end = std::find_if(all->begin(), all->end(),
                          [&](const Json& object) { return NameOf(object) == run.run.meta.name; });
  // A cluster's times have whole seconds: what was made in the same one may be older.
  while (!state_ && end != all->end() && Created(*end) <= Created(run.object)) ++end;
  std::reverse(all->begin(), end);
  const auto& steps = run.run.status.steps;
  const auto later = std::stable_partition(end, all->end(), [&](const Json& object) {
    return std::any_of(steps.begin(), steps.end(),
                       [&](const auto& s) { return s.cached_from == NameOf(object); });
  });
  std::vector<KnownRun> others;
  for (auto it = all->begin(); it != later; ++it) {
    if (NameOf(*it) == run.run.meta.name) continue;
    Result<KnownRun> known = ReadRun(std::move(*it));
    if (!known) return known.error();
    others.push_back(*std::move(known));
  }
  return others;
}

}  // namespace penstock::cli
