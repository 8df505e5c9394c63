#include "operator/cli/objects/await_object.h"

#include <random>

#include "operator/base/json.h"
#include "operator/base/pause.h"
#include "operator/kube/backoff.h"

namespace penstock::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr int kMostRefusals = 5;  // a token is renewed, a role comes a moment later
constexpr std::chrono::seconds kBrief{1};

class Awaiting {
 public:
  Awaiting(kube::Client& client, const kube::ResourceType& type, std::string ns, std::string name,
           const std::function<bool(const Json&)>& enough, const AwaitOptions& options)
      : client_(client),
        type_(type),
        ns_(std::move(ns)),
        name_(std::move(name)),
        enough_(enough),
        options_(options) {}

  Result<Json> Run() {
    while (true) {
      Result<Json> object = client_.Get(type_, ns_, name_, {.stop = options_.stop});
      if (options_.stop.stop_requested())
        return Cancelled("interrupted while waiting for " + name_);
      if (object && enough_(*object)) return object;
      if (object) {
        refusals_ = 0;
        Watch((*object)["metadata"].value("resourceVersion", ""));
      } else if (Heals(object.error().kind)) {
        failure_ = object.error().message;
      } else {
        return object;
      }
      if (!failure_.empty() && !Wait()) return Cancelled("interrupted while waiting for " + name_);
    }
  }

 private:
  bool Heals(ErrorKind kind) {
    if (kind == ErrorKind::kForbidden) return ++refusals_ < kMostRefusals;
    return PassesByItself(kind) || kind == ErrorKind::kConflict || kind == ErrorKind::kExpired;
  }

  void Watch(const std::string& version) {
    kube::WatchOptions watch;
    watch.field_selector = "metadata.name=" + name_;
    watch.resource_version = version;
    if (options_.look_again) watch.server_timeout = *options_.look_again;
    bool any = false;
    const auto sink = [&](kube::WatchEvent& event) {
      any = true;
      if (event.type == kube::WatchEventType::kBookmark) return true;
      return !enough_(*event.object) && event.type != kube::WatchEventType::kDeleted;
    };
    const auto start = steady_clock::now();
    const Result<void> watched = client_.Watch(type_, ns_, watch, sink, options_.stop);
    failure_.clear();
    if (!watched) {
      failure_ =
          "it cannot be watched, and is looked at again and again: " + watched.error().message;
    } else if (!any && steady_clock::now() - start < kBrief) {
      failure_ = "its watch ends at once, and it is looked at again and again";
    }
  }

  bool Wait() {
    if (options_.say && failure_ != said_) options_.say(name_ + ": " + failure_);
    said_ = std::exchange(failure_, "");
    const milliseconds pause = backoff_.Next(steady_clock::now());
    return options_.pause ? options_.pause(pause) : Pause(pause, options_.stop);
  }

  kube::Client& client_;
  const kube::ResourceType& type_;
  const std::string ns_, name_;
  const std::function<bool(const Json&)>& enough_;
  const AwaitOptions& options_;
  kube::Backoff backoff_{{.initial = milliseconds(250),
                          .max = milliseconds(2'500),  // times 1 to 2
                          .healthy = std::chrono::seconds(60)},
                         std::random_device()()};
  int refusals_ = 0;
  std::string failure_, said_;
};

}  // namespace

Result<Json> ReadUntil(kube::Client& client, const kube::ResourceType& type, const std::string& ns,
                       const std::string& name, const std::function<bool(const Json&)>& enough,
                       const AwaitOptions& options) {
  return Awaiting(client, type, ns, name, enough, options).Run();
}

}  // namespace penstock::cli
