// What is known of a candidate in its step: counts since the step began, kept across looks and
// restarts of routers. A value; the operator keeps it in memory between two plans. One that was
// lost (the operator began anew) gathers again from the step's present: fewer samples, no wrong
// ones.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "operator/api/rollout.h"
#include "operator/plan/rollout/observation.h"
#include "operator/plan/rollout/times.h"

namespace penstock::rollout {

// Of one version in this step, over all routers.
struct Counts {
  std::int64_t requests = 0;
  std::int64_t server_errors = 0;
  std::int64_t timeouts = 0;
  std::map<std::string, std::int64_t> client_errors;  // by kind
  std::int64_t compared = 0;
  std::int64_t flips = 0;
  ShiftSums shift;

  [[nodiscard]] std::int64_t ClientErrors() const;
};

// Of what is asked elsewhere in this step.
struct Asked {
  std::string mark;  // what is asked, and of which versions: opaque
  TimePoint time{};  // of the last measurement
  std::int64_t measured = 0;
  int bad_in_a_row = 0;
  bool good = false;  // the last one that measured anything
  std::optional<double> value;
  std::string error;    // of the last, where nothing was measured
  std::string message;  // of the last that measured anything
  std::int64_t samples = 0;
};

// Which step of which rollout something is known of.
struct StepKey {
  std::int64_t stable = 0;
  std::int64_t candidate = 0;
  int step = 0;  // a pause goes on with what the step before it knows; kBeforeTraffic
  friend bool operator==(const StepKey&, const StepKey&) = default;
};

// StepKey::step of the checks that come before all stages.
inline constexpr int kBeforeTraffic = -1;

class Evidence {
 public:
  // Begins anew unless it is of this step and these gates. `checks`: what is asked beside them.
  void Begin(const StepKey& step, const std::vector<api::GateSpec>& gates,
             const std::vector<std::string>& checks = {});
  // Adds what the routers counted since the last look. The first look at a router sets its zero.
  void Look(const std::vector<RouterFact>& routers, TimePoint now);
  // What servers tell of themselves is added up as well, their first word setting their zero.
  void Add(const Measurement& measurement);

  [[nodiscard]] const Counts& stable() const { return stable_; }
  [[nodiscard]] const Counts& candidate() const { return candidate_; }
  // What a gate's metric is of: latency as routers see it, or as the servers say the time in their
  // queue, or of the computation.
  [[nodiscard]] const Times& TimesOf(const api::GateSpec& gate) const;
  [[nodiscard]] const Asked* AskedBy(const std::string& gate) const;
  // A router took the candidate's weight away by itself: why. Empty: none did.
  [[nodiscard]] const std::string& Ejected() const { return ejected_; }

  TimePoint shown{};  // when status told the numbers last; the caller's
  // When it was begun to be gathered; the caller's. Of an experiment: both sides were there.
  std::optional<TimePoint> began = std::nullopt;

 private:
  struct Seen {
    std::string run;
    std::map<std::int64_t, VersionCounters> versions;
  };

  void LookAt(const RouterFact& router);
  void LookAt(const std::vector<ServerFact>& servers, TimePoint now);
  [[nodiscard]] Times& Of(const api::GateSpec& gate);

  StepKey step_;
  std::vector<std::string> gates_;  // a changed bound begins anew
  std::map<std::string, Seen> routers_;
  Counts stable_;
  Counts candidate_;
  std::map<std::string, ServerFact> servers_;  // by pod
  Times latency_;
  Times queue_;
  Times compute_;
  std::map<std::string, Asked> asked_;
  std::string ejected_;
};

}  // namespace penstock::rollout
