#include "operator/kube/informer.h"

#include <optional>
#include <random>
#include <utility>

#include "operator/base/json.h"

namespace penstock::kube {
namespace {

constexpr const char* kLastApplied = "kubectl.kubernetes.io/last-applied-configuration";
constexpr const char* kInitialEventsEnd = "k8s.io/initial-events-end";

bool EndsInitialEvents(const Json& bookmark) {
  const Json::json_pointer path("/metadata/annotations");
  return bookmark.contains(path) && bookmark[path].is_object() &&
         bookmark[path].contains(kInitialEventsEnd);
}

}  // namespace

Informer::Informer(Client& client, const ResourceType& type, InformerOptions options,
                   const Clock& clock)
    : client_(client), type_(type), options_(std::move(options)), clock_(clock) {}

Informer::~Informer() { Stop(); }

void Informer::Start() {
  thread_ = std::jthread([this](const std::stop_token& stop) { Run(stop); });
}

void Informer::Stop() {
  thread_.request_stop();
  if (thread_.joinable()) thread_.join();
}

bool Informer::WaitForSync(std::chrono::milliseconds timeout, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, stop, timeout, [&] { return synced_.load(); });
}

void Informer::Run(const std::stop_token& stop) {
  WatchMachine machine(options_.streaming_list, options_.page_size,
                       Backoff(options_.backoff, std::random_device{}()));
  while (!stop.stop_requested()) {
    const WatchMachine::Plan plan = machine.Next();
    if (plan.pause.count() > 0) {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, stop, plan.pause, [] { return false; });
      if (stop.stop_requested()) return;
    }
    if (machine.TakeRestarted()) {
      collected_.clear();
      ++counters_.lists;
    }
    if (plan.step == WatchMachine::Step::kPage) {
      ListOnePage(machine, plan, stop);
    } else {
      WatchOnce(machine, plan, stop);
    }
  }
}

void Informer::ListOnePage(WatchMachine& machine, const WatchMachine::Plan& plan,
                           const std::stop_token& stop) {
  ListOptions options;
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  options.limit = plan.limit;
  options.continue_token = plan.continue_token;
  auto page = client_.List(type_, options_.ns, options, {stop, std::chrono::seconds(60)});
  if (stop.stop_requested()) return;
  if (!page) {
    ++counters_.failures;
    machine.OnPageError(page.error(), clock_.Steady());
    if (on_failure_) on_failure_(page.error());
    return;
  }
  for (auto& item : page->items) Collect(std::move(item));
  if (machine.OnPage(page->resource_version, page->continue_token)) FinishList();
}

void Informer::WatchOnce(WatchMachine& machine, const WatchMachine::Plan& plan,
                         const std::stop_token& stop) {
  WatchOptions options;
  options.label_selector = options_.label_selector;
  options.field_selector = options_.field_selector;
  options.resource_version = plan.resource_version;
  options.send_initial_events = plan.step == WatchMachine::Step::kStream;
  options.idle_timeout = options_.idle_timeout;
  ++counters_.watches;
  bool initial = options.send_initial_events;
  std::uint64_t events = 0;
  const auto begin = clock_.Steady();
  auto outcome = client_.Watch(
      type_, options_.ns, options,
      [&](WatchEvent& event) {
        ++events;
        ++counters_.events;
        Handle(event, machine, initial);
        return true;
      },
      stop);
  if (stop.stop_requested()) return;
  const auto now = clock_.Steady();
  if (!outcome) ++counters_.failures;
  machine.OnWatchEnd(outcome, std::chrono::duration_cast<std::chrono::milliseconds>(now - begin),
                     events, now);
  if (!outcome && on_failure_) on_failure_(outcome.error());
}

void Informer::Handle(WatchEvent& event, WatchMachine& machine, bool& initial) {
  const std::string version = ResourceVersionOf(*event.object);
  if (event.type == WatchEventType::kBookmark) {
    if (initial && EndsInitialEvents(*event.object)) {
      initial = false;
      machine.OnInitialEventsEnd(version);
      FinishList();
    }
    machine.OnVersion(version);
    return;
  }
  if (initial) {
    Collect(std::move(*event.object));
    return;
  }
  machine.OnVersion(version);
  HandleObject(event.type, std::move(*event.object));
}

void Informer::HandleObject(WatchEventType type, Json object) {
  const auto key = KeyOf(object);
  ObjectPtr trimmed = Trim(std::move(object));
  std::optional<Change> change;
  if (type == WatchEventType::kDeleted) {
    // Also when its last state cannot be read: gone is gone.
    if (key) change = store_.Erase(*key, trimmed);
  } else if (trimmed) {
    const ObjectKey kept = *KeyOf(*trimmed);  // before the move: arguments have no order
    change = store_.Put(kept, std::move(trimmed));
  }
  if (change) Tell(*change);
}

void Informer::Collect(Json object) {
  ObjectPtr trimmed = Trim(std::move(object));
  if (!trimmed) return;
  const ObjectKey key = *KeyOf(*trimmed);
  collected_[key] = std::move(trimmed);
}

void Informer::FinishList() {
  auto changes = store_.Replace(std::exchange(collected_, {}));
  for (auto& change : changes) {
    Tell(change);
    change = {};  // lets go of an object that was shrunk
  }
  const std::lock_guard lock(mutex_);
  synced_ = true;
  changed_.notify_all();
}

ObjectPtr Informer::Trim(Json object) {
  try {
    if (KeyOf(object)) {
      Json& metadata = object["metadata"];
      metadata.erase("managedFields");
      if (metadata.contains("annotations") && metadata["annotations"].is_object()) {
        metadata["annotations"].erase(kLastApplied);
      }
      if (options_.transform) options_.transform(object);
      if (KeyOf(object)) return std::make_shared<const Json>(std::move(object));
    }
  } catch (const Json::exception&) {
    // Counted below: one object that cannot be read must not stop the others.
  }
  ++counters_.undecodable;
  return nullptr;
}

void Informer::Tell(const Change& change) {
  for (const auto& handler : handlers_) handler(change);
  if (options_.keep && change.type != ChangeType::kDeleted) {
    store_.Shrink(change.key, std::make_shared<const Json>(options_.keep(*change.after)));
  }
}

}  // namespace penstock::kube
