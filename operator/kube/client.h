// The Kubernetes API as the operator uses it: an interface, implemented by ApiClient (HTTPS, a
// real API server) and by local::MemoryCluster. One conformance suite (tests/conformance) runs
// against both.
//
// Objects are JSON as the API server sends them. All methods block, at most until
// `call.deadline`, return within 1 s after `call.stop` is used (kCancelled), and may be called
// from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"

namespace penstock::kube {

// A kind as its URL needs it. Constants for the kinds we use stand in resources.h.
struct ResourceType {
  std::string_view group;    // "" for the core group
  std::string_view version;  // "v1"
  std::string_view plural;   // "pods"
  std::string_view kind;     // "Pod"
  bool namespaced = true;
  bool operator==(const ResourceType&) const = default;
};

struct Call {
  std::stop_token stop;
  std::chrono::milliseconds timeout{30'000};  // of the whole call, retries included
  // Asked again before each repetition; false: nothing more is sent, and the answer is kCancelled.
  std::function<bool()> allowed{};
};

struct ListOptions {
  std::string label_selector;
  std::string field_selector;
  int limit = 0;                 // a page's size; 0 = the server's choice (no paging)
  std::string continue_token;    // of the page before
  std::string resource_version;  // "" = consistent; "0" = any cached state
};

struct ListPage {
  std::vector<Json> items;       // apiVersion and kind filled in
  std::string resource_version;  // of the list
  std::string continue_token;    // empty on the last page
};

struct DeleteOptions {
  std::string uid;               // precondition; empty = none
  std::string resource_version;  // precondition; empty = none
  std::optional<int> grace_period_seconds;
  std::string propagation = "Background";  // or Foreground, Orphan
};

struct PatchOptions {
  std::string field_manager = "penstock";
  bool force = true;        // server-side apply only
  std::string subresource;  // "" or "status"
};

struct WatchOptions {
  std::string label_selector;
  std::string field_selector;
  std::string resource_version;
  bool allow_bookmarks = true;
  bool send_initial_events = false;  // streaming list (resourceVersionMatch=NotOlderThan)
  std::chrono::seconds server_timeout{290};
  std::chrono::seconds idle_timeout{60};  // nothing, not even a bookmark: the connection is dead
};

enum class WatchEventType : std::uint8_t { kAdded, kModified, kDeleted, kBookmark };

struct WatchEvent {
  WatchEventType type = WatchEventType::kAdded;
  Json* object = nullptr;  // valid during the call; may be moved from
};

// Called for each event, in order, on the watching thread. Return false to end the watch.
using WatchSink = std::function<bool(WatchEvent&)>;

struct LogOptions {
  std::string container;
  bool follow = false;
  bool previous = false;
  bool timestamps = false;
  std::optional<int> tail_lines;
  std::optional<std::int64_t> limit_bytes;
};

// Called with pieces as they arrive. Return false to end.
using LogSink = std::function<bool(std::string_view)>;

class Client {
 public:
  virtual ~Client() = default;

  // Of a type without a plural, and no name: the kinds of its group's version (APIResourceList), by
  // ApiClient alone.
  [[nodiscard]] virtual Result<Json> Get(const ResourceType& type, const std::string& ns,
                                         const std::string& name, const Call& call = {}) = 0;

  // One page. `ns` empty lists all namespaces.
  [[nodiscard]] virtual Result<ListPage> List(const ResourceType& type, const std::string& ns,
                                              const ListOptions& options,
                                              const Call& call = {}) = 0;

  // kAlreadyExists when the name is taken. With metadata.generateName the server picks the name.
  [[nodiscard]] virtual Result<Json> Create(const ResourceType& type, const std::string& ns,
                                            const Json& object, const Call& call = {}) = 0;

  // Replaces an object, or its subresource; kConflict when metadata.resourceVersion is not the
  // newest (empty = whatever stands).
  [[nodiscard]] virtual Result<Json> Update(const ResourceType& type, const std::string& ns,
                                            const std::string& name, const Json& object,
                                            const std::string& subresource = "",
                                            const Call& call = {}) = 0;

  // Server-side apply. The object needs apiVersion, kind and metadata.name.
  [[nodiscard]] virtual Result<Json> Apply(const ResourceType& type, const std::string& ns,
                                           const std::string& name, const Json& object,
                                           const PatchOptions& options = {},
                                           const Call& call = {}) = 0;

  // RFC 7396 merge patch. A metadata.resourceVersion in the patch is a precondition.
  [[nodiscard]] virtual Result<Json> MergePatch(const ResourceType& type, const std::string& ns,
                                                const std::string& name, const Json& patch,
                                                const PatchOptions& options = {},
                                                const Call& call = {}) = 0;

  // kNotFound when it is gone already; kConflict when a precondition fails.
  [[nodiscard]] virtual Result<void> Delete(const ResourceType& type, const std::string& ns,
                                            const std::string& name,
                                            const DeleteOptions& options = {},
                                            const Call& call = {}) = 0;

  // Runs one watch request until it ends: the server's time-out and a sink that returns false are
  // success. 410, as a status or inside the stream, is kExpired. `call.timeout` is not used.
  [[nodiscard]] virtual Result<void> Watch(const ResourceType& type, const std::string& ns,
                                           const WatchOptions& options, const WatchSink& sink,
                                           std::stop_token stop) = 0;

  // Streams a pod's log; with follow until the container ends.
  [[nodiscard]] virtual Result<void> Logs(const std::string& ns, const std::string& pod,
                                          const LogOptions& options, const LogSink& sink,
                                          std::stop_token stop) = 0;
};

}  // namespace penstock::kube
