#include "operator/runtime/leader_election.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "operator/base/json_member.h"
#include "operator/base/pause.h"
#include "operator/kube/resources.h"

namespace penstock::runtime {
namespace {

using std::chrono::milliseconds;

std::int64_t Number(const Json& spec, const char* key) {
  const auto it = spec.find(key);
  return it != spec.end() && IsInt64(*it) ? it->get<std::int64_t>() : 0;
}

const Json& SpecOf(const Json& lease) {
  static const Json kEmpty = Json::object();
  const auto it = lease.find("spec");
  return it != lease.end() && it->is_object() ? *it : kEmpty;
}

}  // namespace

Result<void> CheckLeaderSettings(const LeaderSettings& s) {
  if (s.ns.empty() || s.name.empty() || s.identity.empty()) {
    return Invalid("leader election needs a namespace, a lease name and an identity");
  }
  if (s.lease <= s.renew_deadline) {
    return Invalid("the lease duration must be above the renew deadline");
  }
  if (s.renew_deadline.count() * 10 <= s.retry.count() * 12 || s.retry.count() <= 0) {
    return Invalid("the renew deadline must be above 1.2 times the retry period");
  }
  return {};
}

LeaderElector::LeaderElector(kube::Client& client, LeaderSettings settings, const Clock& clock,
                             Note note)
    : client_(client), settings_(std::move(settings)), clock_(clock), note_(std::move(note)) {}

void LeaderElector::Tell(const std::string& what) const {
  if (note_) note_(what);
}

bool LeaderElector::IsLeading() const {
  return clock_.Steady().time_since_epoch() < std::chrono::nanoseconds(led_until_.load());
}

bool LeaderElector::HeldByOther(const Json& lease, Steady now) {
  const Json& spec = SpecOf(lease);
  const std::string holder = TextAt(spec, "holderIdentity");
  if (holder.empty() || holder == settings_.identity) return false;
  // The holder's clock may be wrong, so its renewTime proves nothing: a change of the lease does,
  // at the moment when we see it.
  const std::string version = lease["metadata"].value("resourceVersion", "");
  if (version != seen_version_) {
    seen_version_ = version;
    seen_at_ = now;
  }
  if (holder != seen_holder_) {
    seen_holder_ = holder;
    Tell("the lease is held by " + holder + "; it is taken when released or silent for " +
         std::to_string(Number(spec, "leaseDurationSeconds")) + " s");
  }
  return now - seen_at_ < std::chrono::seconds(Number(spec, "leaseDurationSeconds"));
}

Result<bool> LeaderElector::TryOnce(milliseconds timeout, std::stop_token stop) {
  const Steady begun = clock_.Steady();
  const kube::Call call{.stop = std::move(stop), .timeout = timeout};
  auto lease = client_.Get(kube::kLeases, settings_.ns, settings_.name, call);
  if (!lease) {
    if (lease.error().kind != ErrorKind::kNotFound) return lease.error();
    return Write(nullptr, begun, call);
  }
  if (HeldByOther(*lease, begun)) return false;
  return Write(&*lease, begun, call);
}

Result<bool> LeaderElector::Write(const Json* current, Steady begun, const kube::Call& call) {
  const std::string now = FormatMicroTime(clock_.Now());
  Json lease = current != nullptr
                   ? *current
                   : Json{{"apiVersion", "coordination.k8s.io/v1"},
                          {"kind", "Lease"},
                          {"metadata", {{"name", settings_.name}, {"namespace", settings_.ns}}}};
  const Json old = SpecOf(lease);
  Json& spec = lease["spec"];
  if (!spec.is_object()) spec = Json::object();
  if (TextAt(old, "holderIdentity") != settings_.identity) {
    spec["acquireTime"] = now;
    spec["leaseTransitions"] = Number(old, "leaseTransitions") + (current != nullptr ? 1 : 0);
  }
  spec["holderIdentity"] = settings_.identity;
  spec["renewTime"] = now;
  spec["leaseDurationSeconds"] =
      std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(settings_.lease).count());
  const auto written =
      current != nullptr
          ? client_.Update(kube::kLeases, settings_.ns, settings_.name, lease, "", call)
          : client_.Create(kube::kLeases, settings_.ns, lease, call);
  if (!written) {
    const ErrorKind kind = written.error().kind;
    // Another was quicker; it is seen at the next attempt.
    if (kind == ErrorKind::kConflict || kind == ErrorKind::kAlreadyExists) return false;
    return written.error();
  }
  // Counted from before the request: the server's stamp cannot be older than that.
  led_until_ = (begun + settings_.renew_deadline).time_since_epoch() / std::chrono::nanoseconds(1);
  return true;
}

bool LeaderElector::Acquire(std::stop_token stop) {
  while (!stop.stop_requested()) {
    auto held = TryOnce(settings_.renew_deadline, stop);
    if (held && *held) return true;
    if (!held && held.error().kind != ErrorKind::kCancelled) {
      Tell("the lease cannot be had: " + held.error().message);
    }
    if (!Pause(settings_.retry, stop)) return false;
  }
  return false;
}

LeaderElector::End LeaderElector::Keep(std::stop_token stop) {
  while (Pause(settings_.retry, stop)) {
    const auto left = std::chrono::duration_cast<milliseconds>(
        std::chrono::nanoseconds(led_until_.load()) - clock_.Steady().time_since_epoch());
    if (left.count() <= 0) return End::kLost;
    auto held = TryOnce(left, stop);
    if (stop.stop_requested()) break;
    if (held && !*held) {
      Tell("another holds the lease, or changed it at the same moment");
    } else if (!held) {
      Tell("the lease was not renewed: " + held.error().message);
    }
    if (!IsLeading()) return End::kLost;
  }
  return End::kStopped;
}

LeaderElector::End LeaderElector::Run(std::stop_token stop, const Work& work) {
  if (!Acquire(stop)) return End::kStopped;
  Tell("leading as " + settings_.identity);
  End end = End::kStopped;
  {
    std::jthread worker([&](const std::stop_token& leading) { work(leading); });
    end = Keep(stop);
    worker.request_stop();
  }
  if (end == End::kLost) {  // nothing to release: another may hold it by now
    led_until_ = 0;
    Tell("leadership was lost");
    return end;
  }
  if (auto released = Release(); !released) Tell("not released: " + released.error().message);
  return end;
}

Result<void> LeaderElector::Release() {
  led_until_ = 0;
  const kube::Call call{.stop = {}, .timeout = std::chrono::seconds(3)};
  for (int attempt = 0;; ++attempt) {
    auto lease = client_.Get(kube::kLeases, settings_.ns, settings_.name, call);
    if (!lease) return lease.error();
    if (TextAt(SpecOf(*lease), "holderIdentity") != settings_.identity) return {};
    const std::string now = FormatMicroTime(clock_.Now());
    Json& spec = (*lease)["spec"];
    spec["holderIdentity"] = "";
    spec["leaseDurationSeconds"] = 1;
    spec["renewTime"] = now;
    spec["acquireTime"] = now;
    auto written = client_.Update(kube::kLeases, settings_.ns, settings_.name, *lease, "", call);
    if (written) return {};
    if (written.error().kind != ErrorKind::kConflict || attempt == 4) return written.error();
  }
}

Result<void> LeaderGuardedClient::Before(std::string_view write, const kube::ResourceType&) {
  if (write.empty() || leading_()) return {};
  return Cancelled("this process does not lead, so it writes nothing");
}

kube::Call LeaderGuardedClient::Adapted(std::string_view write, const kube::Call& call) const {
  if (write.empty()) return call;
  kube::Call guarded = call;
  guarded.allowed = leading_;
  return guarded;
}

}  // namespace penstock::runtime
