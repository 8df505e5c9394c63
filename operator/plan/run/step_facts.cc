#include "operator/plan/run/step_facts.h"

#include <algorithm>
#include <utility>

namespace penstock::plan {
namespace {

using Kind = StepFacts::Kind;

constexpr Milliseconds kOverdue{60'000};  // after a deleted pod's grace

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
  const auto lost_by = LostBy(pod);
  PodFact lost;
  const bool is_lost = lost_by && now >= *lost_by && !HasEnded(pod);
  if (is_lost) (lost = pod).node_lost = true;
  Take(JudgePod(is_lost ? lost : pod, *f.step, o.run.meta.uid, ReceiptOf(o, pod.name)), f);
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
    std::copy_if(pods.begin(), pods.end(), std::back_inserter(f.useless),
                 [](const PodFact* p) { return !HasEnded(*p) && !p->deleting; });
  } else if (newest != nullptr && newest->attempt >= attempts) {
    ObservePod(o, *newest, now, f);
  } else if (attempts > 0) {
    ObserveMissing(o, f);
  }
  return f;
}

std::optional<TimePoint> LostBy(const PodFact& pod) {
  return pod.gone_by ? std::optional(*pod.gone_by + kOverdue) : std::nullopt;
}

}  // namespace penstock::plan
