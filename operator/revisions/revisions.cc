#include "operator/revisions/revisions.h"

#include <algorithm>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/plan/attempt/labels.h"
#include "operator/revisions/revision.h"

namespace penstock::revisions {
namespace {

constexpr std::chrono::seconds kAskAgain{15};  // whether one that was there still is
constexpr std::chrono::hours kUnnamed{1};      // before it is removed
constexpr int kPage = 500;

// Calls `each` with every object of the kind; consistent, page by page.
Result<void> ForEach(kube::Client& client, const kube::ResourceType& type, const std::string& ns,
                     const std::string& selector, const std::stop_token& stop,
                     const std::function<void(const Json&)>& each) {
  kube::ListOptions page;
  page.label_selector = selector;
  page.limit = kPage;
  do {
    auto list = client.List(type, ns, page, {.stop = stop});
    if (!list) return list.error();
    for (const Json& object : list->items) each(object);
    page.continue_token = list->continue_token;
  } while (!page.continue_token.empty());
  return {};
}

}  // namespace

ResolvedPtr Revisions::Share(const Key& key, plan::ResolvedRun resolved) {
  const std::lock_guard lock(mutex_);
  Known& known = known_[key];
  known.used = clock_.Steady();
  known.stood = known.used;
  ResolvedPtr shared = known.resolved.lock();
  if (shared == nullptr) {
    shared = std::make_shared<const plan::ResolvedRun>(std::move(resolved));
    known.resolved = shared;
  }
  return shared;
}

void Revisions::Touch(const std::string& ns, const std::string& name) {
  const std::lock_guard lock(mutex_);
  known_[{ns, name}].used = clock_.Steady();
}

Result<KeptRevision> Revisions::Keep(const std::string& ns, plan::ResolvedRun resolved) {
  const std::string text = RevisionText(resolved);
  const std::string name = RevisionName(text);
  if (auto claimed = Use({ns, name}); !claimed) return claimed.error();
  if (!StoodLately({ns, name})) {
    auto object = MakeRevision(ns, text);
    if (!object) return object.error();
    if (auto there = Ensure(ns, name, *object); !there) return there.error();
  }
  return KeptRevision{name, Share({ns, name}, std::move(resolved))};
}

Result<void> Revisions::Use(const Key& key) {
  const std::lock_guard lock(mutex_);
  if (going_.contains(key))
    return Transient("the ControllerRevision " + key.second + " is just being removed");
  known_[key].used = clock_.Steady();
  return {};
}

bool Revisions::StoodLately(const Key& key) {
  const std::lock_guard lock(mutex_);
  const std::optional<SteadyTime>& stood = known_[key].stood;
  return stood && clock_.Steady() - *stood < kAskAgain;
}

Result<void> Revisions::Ensure(const std::string& ns, const std::string& name, const Json& object) {
  const auto created = client_.Create(kube::kControllerRevisions, ns, object, {.stop = stop_});
  if (created) return {};
  if (created.error().kind != ErrorKind::kAlreadyExists) return created.error();
  const auto there = client_.Get(kube::kControllerRevisions, ns, name, {.stop = stop_});
  if (!there) return there.error();
  if (there->at("metadata").contains("deletionTimestamp"))
    return Transient("the ControllerRevision " + name + " is just being removed");
  // The bytes may be those of another zlib: what counts is what they hold.
  const auto held = ReadRevision(*there);
  if (held && there->at("data").at("sha256") == object.at("data").at("sha256")) return {};
  return Error{ErrorKind::kAlreadyExists,
               "a ControllerRevision " + name + " exists with another content" +
                   (held ? "" : " (" + held.error().message + ")") + "; delete it"};
}

Result<ResolvedPtr> Revisions::Read(const std::string& ns, const std::string& name) {
  const Key key{ns, name};
  {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(key);
    if (known != known_.end()) {
      if (ResolvedPtr shared = known->second.resolved.lock()) return shared;
    }
  }
  auto object = client_.Get(kube::kControllerRevisions, ns, name, {.stop = stop_});
  if (!object) return object.error();
  auto resolved = ReadRevision(*object);
  if (!resolved) return resolved.error();
  return Share(key, std::move(*resolved));
}

Result<std::vector<Revisions::Found>> Revisions::All(const std::string& ns) {
  std::vector<Found> all;
  auto listed = ForEach(client_, kube::kControllerRevisions, ns,
                        std::string(plan::kLabelManaged) + "=true", stop_, [&](const Json& object) {
                          const auto meta = api::DecodeMeta(object);
                          // Those of releases before this one belong to their run.
                          if (meta.owners.empty() && meta.name.starts_with(kRevisionPrefix))
                            all.push_back({{meta.namespace_, meta.name}, meta.uid});
                        });
  if (!listed) return listed.error();
  return all;
}

Result<std::set<Revisions::Key>> Revisions::Named(const std::string& ns) {
  std::set<Key> named;
  auto listed = ForEach(client_, kube::kPipelineRuns, ns, "", stop_, [&](const Json& run) {
    const auto& status = run.value("status", Json::object());
    const std::string name = status.is_object() ? status.value("revision", "") : "";
    if (!name.empty()) named.emplace(api::DecodeMeta(run).namespace_, name);
  });
  if (!listed) return listed.error();
  return named;
}

// Whether this one is to be removed now; nobody uses it until it is gone.
bool Revisions::Claim(const Found& found, bool named) {
  const std::lock_guard lock(mutex_);
  const SteadyTime now = clock_.Steady();
  const auto known = known_.find(found.key);
  const bool used = known != known_.end() && now - known->second.used < kUnnamed;
  if (named || used) {
    unnamed_since_.erase(found.uid);
    return false;
  }
  const auto [since, first] = unnamed_since_.emplace(found.uid, now);
  if (first || now - since->second < kUnnamed) return false;
  known_.erase(found.key);
  going_.insert(found.key);
  return true;
}

Result<int> Revisions::Sweep(const std::vector<std::string>& namespaces) {
  int removed = 0;
  std::set<std::string> seen;
  for (const std::string& ns : namespaces.empty() ? std::vector<std::string>{""} : namespaces) {
    // First the revisions: a run that is pinned after its list was read has used its own.
    const auto all = All(ns);
    if (!all) return all.error();
    const auto named = Named(ns);
    if (!named) return named.error();
    for (const Found& found : *all) {
      seen.insert(found.uid);
      if (!Claim(found, named->contains(found.key))) continue;
      kube::DeleteOptions options;
      options.uid = found.uid;
      const auto gone = client_.Delete(kube::kControllerRevisions, found.key.first,
                                       found.key.second, options, {.stop = stop_});
      const std::lock_guard lock(mutex_);
      going_.erase(found.key);
      if (!gone && gone.error().kind != ErrorKind::kNotFound) return gone.error();
      unnamed_since_.erase(found.uid);
      ++removed;
    }
  }
  Prune(seen);
  return removed;
}

void Revisions::Prune(const std::set<std::string>& seen) {
  const std::lock_guard lock(mutex_);
  std::erase_if(unnamed_since_, [&](const auto& entry) { return !seen.contains(entry.first); });
  const SteadyTime now = clock_.Steady();
  std::erase_if(known_, [&](const auto& entry) {
    return entry.second.resolved.expired() && now - entry.second.used >= kUnnamed;
  });
}

}  // namespace penstock::revisions
