#include "operator/plan/step/step_facts.h"

#include <algorithm>
#include <utility>

namespace penstock::plan {
namespace {

using Kind = StepFacts::Kind;

constexpr Milliseconds kOverdue{60'000};  // after a deleted pod's grace
// From the end of the step's container to the pod's own word of why, where others outlive it.
constexpr Milliseconds kOutlivedGrace{10'000};

std::optional<TimePoint> LostBy(const PodFact& pod) {
  return pod.gone_by ? std::optional(*pod.gone_by + kOverdue) : std::nullopt;
}

std::optional<TimePoint> JudgedBy(const PodFact& pod) {
  if (!pod.outlived || HasEnded(pod)) return std::nullopt;
  const auto seen = pod.end_seen ? pod.end_seen : pod.finished;
  return seen ? std::optional(*seen + kOutlivedGrace) : std::nullopt;
}

const ReceiptAnswer* ReceiptOf(const RunObserved& o, const std::string& pod) {
  const auto it = o.receipts.find(pod);
  return it == o.receipts.end() ? nullptr : &it->second;
}

void Take(Judgement j, StepFacts& f) {
  switch (j.verdict) {
    case Verdict::kLive:
      f.kind = Kind::kLive;
      break;
    case Verdict::kNeedsReceipt:
      f.kind = Kind::kEndUnknown;
      break;
    case Verdict::kSucceeded:
      f.kind = Kind::kSucceeded;
      break;
    case Verdict::kFailed:
      f.kind = Kind::kFailed;
      break;
  }
  f.judgement = std::move(j);
}

void ObservePod(const RunObserved& o, const PodFact& pod, TimePoint now, StepFacts& f) {
  f.pod = &pod;
  const auto has_come = [&](const std::optional<TimePoint>& when) { return when && now >= *when; };
  const bool is_outlived = has_come(JudgedBy(pod));
  const bool is_lost = !is_outlived && !HasEnded(pod) && has_come(LostBy(pod));
  PodFact changed;  // a copy only where it differs
  if (is_outlived || is_lost) changed = pod;
  if (is_outlived) changed.phase = PodPhase::kFailed;
  if (is_lost) changed.node_lost = true;
  Take(JudgePod(is_outlived || is_lost ? changed : pod, *f.step, o.run.meta.uid,
                ReceiptOf(o, pod.name)),
       f);
}

// Pods of the step that nobody needs any more, once the status has what they say.
std::vector<const PodFact*> UselessOf(const StepFacts& f, const std::vector<const PodFact*>& pods) {
  std::vector<const PodFact*> useless;
  const bool ended = f.kind == Kind::kEnded;
  const int attempts = f.prior != nullptr ? f.prior->attempts : 0;
  for (const PodFact* p : pods) {
    const bool is_counted = ended || p->attempt < attempts ||
                            (f.prior != nullptr && p->attempt == attempts && f.prior->retry_at);
    const bool goes_on = p->outlived || (ended && !HasEnded(*p));
    if (is_counted && goes_on && !p->deleting) useless.push_back(p);
  }
  return useless;
}

// Its pod was seen once and is not in the cache now.
void ObserveMissing(const RunObserved& o, StepFacts& f) {
  if (f.prior->retry_at) {
    f.kind = Kind::kFailureCounted;
    return;
  }
  const std::string& pod = f.prior->pod;
  const auto gone = o.pod_gone.find(pod);
  if (gone == o.pod_gone.end() || !gone->second) {
    f.kind = Kind::kPodUnknown;
    f.pod_lags = gone != o.pod_gone.end();
    return;
  }
  Take(JudgeVanished(pod, f.prior->attempts, *f.step, o.run.meta.uid, ReceiptOf(o, pod)), f);
}

}  // namespace

StepFacts ObserveStep(const RunObserved& o, const ResolvedStep& step, const api::StepStatus* prior,
                      const std::vector<const PodFact*>& pods, TimePoint now) {
  StepFacts f;
  f.step = &step;
  f.prior = prior;
  const PodFact* newest = nullptr;
  for (const PodFact* p : pods)
    if (newest == nullptr || p->attempt > newest->attempt) newest = p;
  const int attempts = prior != nullptr ? prior->attempts : 0;
  // A newer pod than the status names means that the status was not written: the pod is true.
  if (prior != nullptr && api::IsFinal(prior->phase) &&
      (newest == nullptr || newest->attempt <= attempts)) {
    f.kind = Kind::kEnded;
  } else if (newest != nullptr && newest->attempt >= attempts) {
    ObservePod(o, *newest, now, f);
  } else if (attempts > 0) {
    ObserveMissing(o, f);
  }
  f.useless = UselessOf(f, pods);
  return f;
}

std::optional<TimePoint> LookAgainAt(const PodFact& pod) {
  const auto lost = LostBy(pod);
  const auto judged = JudgedBy(pod);
  return lost && judged ? std::min(lost, judged) : lost ? lost : judged;
}

}  // namespace penstock::plan
