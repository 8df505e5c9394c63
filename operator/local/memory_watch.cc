// Lists, watches and logs of the memory cluster.
#include <algorithm>

#include "operator/base/json.h"
#include "operator/kube/selector.h"
#include "operator/local/memory_cluster.h"
#include "operator/local/memory_errors.h"
#include "operator/local/object_rules.h"

namespace penstock::local {
namespace {

struct Filter {
  std::string ns;  // empty matches all
  kube::LabelSelector labels;
  kube::FieldSelector fields;

  static Result<Filter> Make(const kube::ResourceType& type, const std::string& ns,
                             const std::string& labels, const std::string& fields) {
    auto l = kube::LabelSelector::Parse(labels);
    if (!l) return BadRequest(l.error().message);
    auto f = kube::FieldSelector::Parse(fields);
    if (!f) return BadRequest(f.error().message);
    for (const auto& field : f->Fields()) {
      if (auto known = CheckFieldSelector(type, field); !known) return known.error();
    }
    return Filter{ns, *std::move(l), *std::move(f)};
  }

  [[nodiscard]] bool Matches(const Json& object) const {
    return (ns.empty() || object["metadata"].value("namespace", "") == ns) &&
           labels.Matches(object) && fields.Matches(object);
  }
};

Error TooLarge(std::uint64_t asked, std::uint64_t current) {
  return Transient("Too large resource version: " + std::to_string(asked) +
                   ", current: " + std::to_string(current));
}

}  // namespace

struct MemoryCluster::WatchCursor {
  Filter filter;
  std::uint64_t position = 0;  // everything up to this version is in `pending` or was delivered
  std::uint64_t epoch = 0;
  std::vector<std::pair<kube::WatchEventType, Object>> pending;
};

Result<std::uint64_t> MemoryCluster::ParseVersion(const std::string& text) const {
  if (text.empty()) return std::uint64_t{0};
  if (text.size() > 18 || !std::all_of(text.begin(), text.end(),
                                       [](unsigned char c) { return c >= '0' && c <= '9'; })) {
    return BadRequest("resourceVersion \"" + text + "\" is not a version of this server");
  }
  const std::uint64_t version = std::stoull(text);
  if (version > revision_) return TooLarge(version, revision_);
  return version;
}

Result<kube::ListPage> MemoryCluster::List(const kube::ResourceType& type, const std::string& ns,
                                           const kube::ListOptions& options,
                                           const kube::Call& call) {
  if (auto in = Enter({"list", type, ns, "", ""}, call.stop); !in) return in.error();
  auto filter =
      Filter::Make(type, type.namespaced ? ns : "", options.label_selector, options.field_selector);
  if (!filter) return filter.error();
  std::unique_lock lock(mutex_);
  if (!options.continue_token.empty()) {
    const auto colon = options.continue_token.find(':');
    if (colon == std::string::npos) return BadRequest("continue key is not valid");
    return Page(options, std::strtoull(options.continue_token.c_str(), nullptr, 10),
                std::strtoull(options.continue_token.c_str() + colon + 1, nullptr, 10));
  }
  if (auto version = ParseVersion(options.resource_version); !version) return version.error();
  PageSnapshot snapshot;
  snapshot.revision = revision_;
  for (const auto& [key, stored] : KindOf(type).objects) {
    if (filter->Matches(*stored.object)) snapshot.items.push_back(stored.object);
  }
  // A paged list shows one moment: its later pages are cut from what the first one saw.
  if (options.limit > 0 && snapshot.items.size() > static_cast<std::size_t>(options.limit)) {
    snapshots_[next_snapshot_] = std::move(snapshot);
    if (snapshots_.size() > options_.page_snapshots) snapshots_.erase(snapshots_.begin());
    return Page(options, next_snapshot_++, 0);
  }
  lock.unlock();
  kube::ListPage page;
  page.resource_version = std::to_string(snapshot.revision);
  for (const auto& item : snapshot.items) page.items.push_back(*item);
  return page;
}

Result<kube::ListPage> MemoryCluster::Page(const kube::ListOptions& options, std::uint64_t snapshot,
                                           std::size_t from) {
  const auto it = snapshots_.find(snapshot);
  if (it == snapshots_.end()) {
    return ExpiredError("the provided continue parameter is too old; start a new list");
  }
  const auto& items = it->second.items;
  const std::size_t limit = options.limit > 0 ? options.limit : items.size();
  const std::size_t end = std::min(items.size(), from + limit);
  kube::ListPage page;
  page.resource_version = std::to_string(it->second.revision);
  for (std::size_t i = from; i < end; ++i) page.items.push_back(*items[i]);
  if (end < items.size())
    page.continue_token = std::to_string(snapshot) + ":" + std::to_string(end);
  return page;
}

Result<MemoryCluster::WatchCursor> MemoryCluster::OpenWatch(Kind& kind, const std::string& ns,
                                                            const kube::WatchOptions& options) {
  auto filter = Filter::Make(kind.type, kind.type.namespaced ? ns : "", options.label_selector,
                             options.field_selector);
  if (!filter) return filter.error();
  const auto version = ParseVersion(options.resource_version);
  if (!version) return version.error();
  WatchCursor cursor{*std::move(filter), *version, watch_epoch_, {}};
  if (*version != 0 && *version < compacted_ && !options.send_initial_events) {
    return ExpiredError("too old resource version: " + options.resource_version + " (" +
                        std::to_string(compacted_) + ")");
  }
  if (*version != 0 && !options.send_initial_events) return cursor;
  for (const auto& [key, stored] : kind.objects) {
    if (cursor.filter.Matches(*stored.object)) {
      cursor.pending.emplace_back(kube::WatchEventType::kAdded, stored.object);
    }
  }
  cursor.position = revision_;
  return cursor;
}

// An event as a selector sees it: an object that begins to match is added, one that ceases to is
// deleted.
Result<void> MemoryCluster::CollectEvents(const Kind& kind, WatchCursor& cursor) const {
  if (cursor.position < kind.trimmed) {
    return ExpiredError("too old resource version: " + std::to_string(cursor.position));
  }
  auto it = std::upper_bound(kind.history.begin(), kind.history.end(), cursor.position,
                             [](std::uint64_t v, const Event& e) { return v < e.revision; });
  for (; it != kind.history.end(); ++it) {
    const bool matched = it->before && cursor.filter.Matches(*it->before);
    const bool matches = it->after && cursor.filter.Matches(*it->after);
    if (matches) {
      cursor.pending.emplace_back(
          matched ? kube::WatchEventType::kModified : kube::WatchEventType::kAdded, it->after);
    } else if (matched) {
      Json last = *it->before;
      last["metadata"]["resourceVersion"] = std::to_string(it->revision);
      cursor.pending.emplace_back(kube::WatchEventType::kDeleted,
                                  std::make_shared<const Json>(std::move(last)));
    }
  }
  cursor.position = revision_;
  return {};
}

Result<void> MemoryCluster::Watch(const kube::ResourceType& type, const std::string& ns,
                                  const kube::WatchOptions& options, const kube::WatchSink& sink,
                                  std::stop_token stop) {
  if (auto in = Enter({"watch", type, ns, "", ""}, stop); !in) return in.error();
  const auto end = std::chrono::steady_clock::now() + options.server_timeout;
  auto next_bookmark = std::chrono::steady_clock::now() + options_.bookmark_interval;
  bool initial = options.send_initial_events;

  auto bookmark = [&](std::uint64_t version) {
    Json object = {{"apiVersion", type.group.empty()
                                      ? std::string(type.version)
                                      : std::string(type.group) + "/" + std::string(type.version)},
                   {"kind", type.kind},
                   {"metadata", {{"resourceVersion", std::to_string(version)}}}};
    if (initial) object["metadata"]["annotations"]["k8s.io/initial-events-end"] = "true";
    initial = false;
    kube::WatchEvent event{kube::WatchEventType::kBookmark, &object};
    return sink(event);
  };

  std::unique_lock lock(mutex_);
  Kind& kind = KindOf(type);
  auto cursor = OpenWatch(kind, ns, options);
  if (!cursor) return cursor.error();
  while (true) {
    if (auto collected = CollectEvents(kind, *cursor); !collected) return collected.error();
    const auto pending = std::exchange(cursor->pending, {});
    const std::uint64_t version = cursor->position;
    const bool ended = cursor->epoch != watch_epoch_;
    // A sink may call the cluster, as controllers do.
    lock.unlock();
    for (const auto& [what, object] : pending) {
      if (stop.stop_requested()) return Cancelled("watch was stopped");
      Json copy = *object;
      kube::WatchEvent event{what, &copy};
      if (!sink(event)) return {};
    }
    if (stop.stop_requested()) return Cancelled("watch was stopped");
    const auto now = std::chrono::steady_clock::now();
    const bool over = now >= end || ended;
    if (initial || (options.allow_bookmarks && (over || now >= next_bookmark))) {
      if (!bookmark(version)) return {};
      next_bookmark = now + options_.bookmark_interval;
    }
    if (over) return {};
    lock.lock();
    changed_.wait_until(lock, stop, std::min(end, next_bookmark), [&] {
      return cursor->epoch != watch_epoch_ || cursor->position < kind.trimmed ||
             (!kind.history.empty() && kind.history.back().revision > cursor->position);
    });
  }
}

Result<void> MemoryCluster::Logs(const std::string& ns, const std::string& pod,
                                 const kube::LogOptions& options, const kube::LogSink& sink,
                                 std::stop_token stop) {
  static constexpr kube::ResourceType kPodType{"", "v1", "pods", "Pod"};
  if (auto found = Get(kPodType, ns, pod, {stop, {}}); !found) return found.error();
  if (!log_source_) return BadRequest("this cluster keeps no logs");
  return log_source_(ns, pod, options, sink, stop);
}

void MemoryCluster::Compact() {
  std::lock_guard lock(mutex_);
  compacted_ = revision_;
  snapshots_.clear();
  for (auto& [_, kind] : kinds_) {
    if (kind->history.empty()) continue;
    kind->trimmed = kind->history.back().revision;
    kind->history.clear();
  }
  changed_.notify_all();
}

void MemoryCluster::EndWatches() {
  std::lock_guard lock(mutex_);
  ++watch_epoch_;
  changed_.notify_all();
}

}  // namespace penstock::local
