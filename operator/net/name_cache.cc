#include "operator/net/name_cache.h"

#include <condition_variable>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

namespace penstock::net {
namespace {

using Instant = NameCache::Instant;
constexpr std::chrono::seconds kFresh{30};
constexpr std::chrono::seconds kFailureFresh{1};
constexpr std::chrono::minutes kUsable{5};
constexpr std::size_t kMostNames = 1000;

struct Name {
  std::vector<std::string> addresses;
  bool failed = false;  // the last time; addresses are older
  bool asked = false;   // a thread looks it up
  Instant looked_up{};
  Instant answered{};

  [[nodiscard]] bool Fresh(Instant now) const {
    return looked_up != Instant{} && now - looked_up < (failed ? kFailureFresh : kFresh);
  }
  [[nodiscard]] bool Usable(Instant now) const {
    return !addresses.empty() && now - answered < kUsable;
  }
};

}  // namespace

struct NameCache::State {
  State(LookUp l, std::function<Instant()> n) : look_up(std::move(l)), now(std::move(n)) {}

  const LookUp look_up;
  const std::function<Instant()> now;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::map<std::string, Name> names;

  void Ask(const std::string& host) {
    auto addresses = look_up(host);
    const std::lock_guard lock(mutex);
    Name& name = names[host];
    name.looked_up = now();
    name.failed = addresses.empty();
    if (!name.failed) {
      name.addresses = std::move(addresses);
      name.answered = name.looked_up;
    }
    name.asked = false;
    changed.notify_all();
  }
};

NameCache::NameCache(LookUp look_up, std::function<Instant()> now)
    : state_(std::make_shared<State>(std::move(look_up), std::move(now))) {}

Result<std::vector<std::string>> NameCache::Resolve(const std::string& host, Instant deadline,
                                                    const std::stop_token& stop) {
  State& state = *state_;
  std::unique_lock lock(state.mutex);
  const Instant now = state.now();
  if (state.names.size() > kMostNames) {
    std::erase_if(state.names,
                  [&](const auto& n) { return !n.second.asked && !n.second.Fresh(now); });
  }
  Name& name = state.names[host];
  if (!name.asked && !name.Fresh(now)) {
    try {
      std::thread([held = state_, host] { held->Ask(host); }).detach();
    } catch (const std::system_error& e) {
      return Transient("host name " + host + " is not looked up: " + e.what());
    }
    name.asked = true;
  }
  // What was known is used while its successor is asked for, but not for ever.
  if (!name.Usable(now)) {
    state.changed.wait_until(lock, stop, deadline, [&] { return !state.names[host].asked; });
  }
  if (stop.stop_requested()) return Cancelled("looking up " + host + " was stopped");
  const Name& known = state.names[host];
  if (known.Usable(state.now())) return known.addresses;
  return Transient(
      "host name " + host + " does not resolve: " +
      (known.asked ? "no answer in time" : "no name server knows it, or none answered"));
}

}  // namespace penstock::net
