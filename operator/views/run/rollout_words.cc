#include "operator/views/run/rollout_words.h"

#include "operator/base/json.h"
#include "operator/views/run/decision.h"

namespace penstock::views {
namespace {

Result<Json> Undo(const api::ModelDeployment& md, std::int64_t to) {
  if (!md.status.stable) return Invalid(md.meta.name + " has no version that serves");
  if (md.status.candidate)
    return Invalid("version " + std::to_string(md.status.candidate->version) +
                   " is coming in: abort it first, or wait for its end");
  const std::int64_t stable = md.status.stable->version;
  std::string served;
  bool there = false;
  for (const auto& h : md.status.history) {
    if (h.outcome != "Promoted" || h.version == stable) continue;
    served += (served.empty() ? "" : ", ") + std::to_string(h.version);
    there |= to == 0 || h.version == to;
  }
  if (!there)
    return Invalid(md.meta.name + " has no such version that served before " +
                   std::to_string(stable) + "; there is " + (served.empty() ? "none" : served));
  return Json{
      {api::kAnnotationUndo, std::to_string(stable) + (to == 0 ? "" : "/" + std::to_string(to))}};
}

Result<Json> Resume(const api::ModelDeployment& md, const api::ModelVersionStatus& c) {
  if (md.spec.rollout.paused)
    return Invalid("spec.rollout.paused is true: take it out of the manifest");
  if (AskedOfPeople(md) != nullptr)
    return Invalid("step " + std::to_string(c.step) +
                   " waits for an approval: `penstock rollout approve " + md.meta.name + "`");
  return Json{{api::kAnnotationPause, nullptr},
              {api::kAnnotationResume, std::to_string(c.version) + "/" + std::to_string(c.step)}};
}

}  // namespace

Result<Json> RolloutWords(const api::ModelDeployment& md, const std::string& what,
                          std::int64_t to) {
  if (what == "undo") return Undo(md, to);
  if (!md.status.candidate)
    return Invalid(md.meta.name + " has no candidate: nothing is being rolled out");
  const api::ModelVersionStatus& c = *md.status.candidate;
  const std::string version = std::to_string(c.version);
  if (what == "resume") return Resume(md, c);
  if (what == "promote") return Json{{api::kAnnotationPromote, version}};
  if (what == "pause") return Json{{api::kAnnotationPause, version}};
  return Json{{api::kAnnotationAbort, version}};
}

}  // namespace penstock::views
