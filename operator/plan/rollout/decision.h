// What becomes of a rollout: it stays where it is, goes on, is promoted or rolled back. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "operator/api/rollout.h"
#include "operator/plan/rollout/gate.h"

namespace penstock::rollout {

enum class StageKind : std::uint8_t { kExperiment, kShadow, kWeight, kPause, kApproval, kPreview };

// One part of the way of a candidate from its first Ready pods to all traffic.
struct Stage {
  StageKind kind = StageKind::kWeight;
  int step = 0;        // of rollout.steps, from 1; 0: experiment, shadow, preview
  std::string weight;  // of the candidate
  std::string shadow;  // share of the requests that are copied to it; empty: none
  Milliseconds hold{0};
  std::string message;  // of a pause
  int evidence = 0;     // stages of one number share what is known: a pause and the step before it
};

// Experiment and shadow, then the steps of a Canary or the preview of a BlueGreen. Empty: nothing
// stands between an available version and all traffic.
[[nodiscard]] std::vector<Stage> StagesOf(const api::RolloutSpec& spec);
// Of a candidate's status; nullopt: it has not begun. A stage that the spec has no more is the one
// in its place.
[[nodiscard]] std::optional<std::size_t> StageOf(const std::vector<Stage>& stages,
                                                 const std::string& phase, int step);
[[nodiscard]] const char* PhaseOf(const Stage& stage, bool waits);

// Every gate that says something in this stage: metrics under traffic and in an experiment, of
// which the evidence is, flips and shift in the shadow.
[[nodiscard]] std::vector<Judgement> JudgeStage(const api::RolloutSpec& spec, const Stage& stage,
                                                const Evidence& evidence);

// What people say of an approval, in a stage of that kind.
enum class ApprovalState : std::uint8_t { kWaits, kApproved, kRejected };

struct Situation {
  Milliseconds since{0};   // the stage began
  Milliseconds unseen{0};  // of that, before anybody gathered what its gates go by
  bool available = false;  // all pods of the candidate
  bool abort = false;      // people's words
  bool promote = false;
  bool resume = false;
  std::string paused;   // by whom; empty: it is not
  std::string ejected;  // a router took its weight away: why
  ApprovalState approval = ApprovalState::kWaits;
  std::string approval_text;        // by whom, or what it waits for
  bool approval_timed_out = false;  // nobody gave it; approval.onTimeout did
  std::string approval_reason;      // of kWaits: the reason for people
};

enum class Move : std::uint8_t { kStay, kNext, kPromote, kRollBack };
struct Decision {
  Move move = Move::kStay;
  bool waits = false;       // for a person
  std::string message;      // of kRollBack why; else what it waits for
  std::string reason = {};  // of a wait for an approval: one CamelCase word
};

// Abort, a Fail, a router's ejection and a rejection come before anything else, a pause too;
// promote skips the rest, but no approval: up to one it does nothing. Then: a stage ends when its
// hold is over and each gate passes; one that is not decided progressDeadline after its hold does
// what onInconclusive says, Promote meaning "counts as passed". An undecided stage that waits for a
// person goes on as well when its gates pass later. Time that nobody saw is none that gates had.
[[nodiscard]] Decision Decide(const api::RolloutSpec& spec, const Stage& stage,
                              const Situation& situation, const std::vector<Judgement>& gates);

}  // namespace penstock::rollout
