// What a gate says of a candidate: Pass, Fail, or not known yet. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "operator/api/rollout.h"
#include "operator/plan/rollout/evidence.h"

namespace penstock::rollout {

enum class Verdict : std::uint8_t { kPass, kFail, kInconclusive };

// Probability that a rollout of a version within all bounds is rolled back by its gates of
// metrics, however long it takes: shared evenly by gates and steps.
inline constexpr double kFalseRollback = 0.005;
// Below this, rates of client errors are all the same to clientErrorRatioToStable.
inline constexpr double kLeastClientErrors = 0.01;

struct Judgement {
  Verdict verdict = Verdict::kInconclusive;
  api::GateStatus status;  // the same for people
};

// `alpha`: probability that Fail, or that Pass, is wrong. The spec was checked.
//
// errorRate       (5xx + time-outs + refusals of a kind that stable does not give) / requests.
//                 max: Fail where the rate's interval is above it, Pass where it is not beyond it.
//                 maxDifferenceToStable: the same of candidate - stable, each with half of alpha.
//                 Of refusals (4xx) of one route and code, what is above the stable version's
//                 highest rate counts, once the intervals of the two lie apart.
// clientErrorRatioToStable  rate of 4xx over the stable version's, or over 1% where that is less.
// latencyP*       max: share of answers beyond it against 1 - quantile. maxRatioToStable:
//                 latency_ratio.h.
// queueP*, computeP*  the same of what the servers say (server_evidence.h).
// drift           Pass: the last measurement was good. Fail: `failures` in a row were not.
// prometheus, http  Pass: the last measurement was good. Fail: `failures` in a row were not.
[[nodiscard]] Judgement Judge(const api::GateSpec& gate, const Evidence& evidence, double alpha);
// shadow.compare: rows with another decision against maxFlips.
[[nodiscard]] Judgement JudgeFlips(const api::ShadowSpec::Compare& compare,
                                   const Evidence& evidence, double alpha);

// shadow.compare: mean absolute difference of the output's numbers against maxShift. Numbers of one
// row go together, so that as many are counted as there are rows. Fail too where more than
// kMostLostRows of the rows have lost their numbers, or a sum has overflown. Pass needs
// kLeastToPassShift rows, and holds their variance for the square of maxShift at least: of rows
// that are all alike nothing is known about those that are not.
inline constexpr double kMostLostRows = 0.01;
inline constexpr std::int64_t kLeastToPassShift = 1'000;
[[nodiscard]] Judgement JudgeShift(const api::ShadowSpec::Compare& compare,
                                   const Evidence& evidence, double alpha);
// A gate of rows, before traffic. Pass or Fail as its one measurement says.
[[nodiscard]] Judgement JudgeRows(const api::GateSpec& gate, const Evidence& evidence);
// What is found of a candidate's signature before it has traffic. Pass: it was compared and nothing
// breaks, or the stable version tells none; the message says which.
[[nodiscard]] Judgement JudgeSignature(const Evidence& evidence);
// As evidence and questions call it: no gate can have this name.
inline constexpr const char* kSignatureCheck = ".signature";
inline constexpr const char* kNotCompared = "not compared: ";  // begins what says so

// errorRate's count, and the same of nothing but 5xx and time-outs for the stable version.
struct Errors {
  std::int64_t candidate = 0;
  std::int64_t stable = 0;
  std::string refusals;  // the kinds that count, for people
};
[[nodiscard]] Errors CountErrors(const Evidence& evidence, double alpha);

// "1.2" and "1%" (0.01); 0 for what is neither.
[[nodiscard]] double NumberOf(std::string_view text);
[[nodiscard]] double QuantileOf(std::string_view metric);  // latencyP95: 0.95
// Ratios that are shown beside the one that decides.
[[nodiscard]] std::vector<double> RatiosAround(double bound);
[[nodiscard]] std::string DecimalText(double v);      // three digits
[[nodiscard]] std::string PercentText(double share);  // "0.12%"
[[nodiscard]] const char* VerdictText(Verdict v);

}  // namespace penstock::rollout
