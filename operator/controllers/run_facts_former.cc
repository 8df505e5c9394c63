// The run that another one does again: as it stands, or as history keeps it.
#include <utility>

#include "operator/api/codec.h"
#include "operator/controllers/run_controller.h"
#include "operator/controllers/run_facts.h"
#include "operator/kube/resources.h"
#include "operator/revisions/revision.h"

namespace penstock::controllers {
namespace {

struct Found {
  Json object;
  std::optional<Json> spec;  // the ControllerRevision, of a run that is gone
};

// kNotFound: neither the cluster nor history has it.
Result<Found> Find(const Context& context, const std::string& ns, const std::string& name) {
  auto live = context.client.Get(kube::kPipelineRuns, ns, name, {.stop = context.stop});
  if (live) return Found{*std::move(live), std::nullopt};
  if (live.error().kind != ErrorKind::kNotFound || !context.settings.story_of) return live.error();
  auto story = context.settings.story_of(ns, name);
  if (!story) return story.error();
  return Found{std::move(story->object), std::move(story->spec)};
}

// Null: it is not kept.
Result<revisions::ResolvedPtr> ResolvedOf(const Context& context, const std::string& ns,
                                          const api::PipelineRun& run,
                                          const std::optional<Json>& kept) {
  if (!run.status.revision.empty()) {
    auto read = context.revisions.Read(ns, run.status.revision);
    if (read) return *std::move(read);
    if (read.error().kind != ErrorKind::kNotFound) return read.error();
  }
  std::optional<Json> spec = kept;
  if (!spec && context.settings.story_of)
    if (auto story = context.settings.story_of(ns, run.meta.name); story) spec = story->spec;
  if (!spec) return revisions::ResolvedPtr();
  auto resolved = revisions::ReadRevision(*spec);
  if (!resolved) return resolved.error();
  return std::make_shared<const plan::ResolvedRun>(*std::move(resolved));
}

}  // namespace

std::optional<FormerAnswer> RunFacts::Former(const std::string& run) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = formers_.find(run); known != formers_.end()) return known->second;
  }
  Fetch(in_store_, "former/" + run, [this, run] { return FetchFormer(run); });
  return std::nullopt;
}

Result<bool> RunFacts::FetchFormer(const std::string& name) {
  FormerAnswer answer;
  auto found = Find(context_, run_.ns, name);
  if (!found && found.error().kind != ErrorKind::kNotFound) return found.error();
  if (!found) {
    answer.error = "there is no run " + name + " in namespace " + run_.ns +
                   ", and history does not have it either";
  } else {
    auto decoded = api::DecodePipelineRun(found->object);
    if (!decoded.errors.empty()) {
      answer.error = "run " + name + " cannot be read: " + api::Describe(decoded.errors);
    } else if (!IsFinished(decoded.value)) {
      answer.error = "run " + name + " has not ended: cancel it, or wait for its end";
    } else {
      auto resolved = ResolvedOf(context_, run_.ns, decoded.value, found->spec);
      if (!resolved && resolved.error().kind != ErrorKind::kInternal &&
          resolved.error().kind != ErrorKind::kInvalid)
        return resolved.error();
      if (!resolved) context_.warn("run " + name + ": " + resolved.error().message);
      answer.former = std::make_shared<const plan::FormerRun>(
          plan::FormerRun{std::move(decoded.value), resolved ? *resolved : nullptr});
    }
  }
  const std::lock_guard lock(mutex_);
  formers_.insert_or_assign(name, std::move(answer));
  return true;
}

}  // namespace penstock::controllers
