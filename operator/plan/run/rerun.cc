#include "operator/plan/run/rerun.h"

#include <algorithm>

#include "operator/base/json.h"
#include "operator/plan/attempt/cache_key.h"
#include "operator/plan/step/step_state.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {
namespace {

using api::StepPhase;

std::map<std::string, Json> EncodeSteps(const ResolvedRun& resolved) {
  const Json all = EncodeResolved(resolved);
  std::map<std::string, Json> steps;
  for (std::size_t i = 0; i < resolved.steps.size(); ++i)
    steps[resolved.steps[i].name] = {all["spec"]["steps"][i], all["steps"][i]};
  return steps;
}

// Of the run's parameters that differ, the words by which a step that reads one at run time names
// it.
std::vector<std::string> ChangedWords(const ResolvedRun& former, const ResolvedRun& now) {
  std::vector<std::string> words;
  const auto note = [&](const auto& these, const auto& those) {
    for (const auto& [name, value] : these) {
      const auto other = those.find(name);
      if (other == those.end() || other->second != value) words.push_back("parameters." + name);
    }
  };
  note(now.parameters, former.parameters);
  note(former.parameters, now.parameters);
  if (!words.empty()) words.emplace_back("parameters[");
  return words;
}

bool Depends(const ResolvedStep& step, const std::set<std::string>& on) {
  return std::any_of(step.depends_on.begin(), step.depends_on.end(),
                     [&](const api::Dependency& d) { return on.contains(d.step); });
}

api::StepStatus AsTaken(const api::StepStatus& then, const std::string& run, TimePoint now) {
  api::StepStatus s;
  s.name = then.name;
  s.phase = StepPhase::kSucceeded;
  s.reason = kTaken;
  s.message = "as run " + run + " has it; it was not run again";
  s.cached = true;
  s.cached_from = then.cached && !then.cached_from.empty() ? then.cached_from : run;
  s.cache_key = then.cache_key;
  s.start_time = s.finish_time = WholeSeconds(now);
  s.outputs = then.outputs;
  s.results = then.results;
  s.sources = then.sources;
  s.items = then.items;
  return s;
}

// `now`, with what the Pipeline had published then in place of what the former run itself made:
// that is no news to its verdicts.
ResolvedRun WithoutItsOwn(const FormerRun& former, const ResolvedRun& now) {
  ResolvedRun seen = now;
  const auto made = [&](const std::string& name, const std::string& digest) {
    return std::any_of(former.run.status.outputs.begin(), former.run.status.outputs.end(),
                       [&](const auto& o) { return o.name == name && o.digest == digest; });
  };
  for (ResolvedStep& step : seen.steps) {
    const ResolvedStep* then = former.resolved->Find(step.name);
    if (then == nullptr) continue;
    for (auto& [name, output] : step.published) {
      const auto before = then->published.find(name);
      if (!output || before == then->published.end() || !before->second) continue;
      if (name != now.pipeline + "/" + output->name || !made(output->name, output->digest))
        continue;
      const auto put = [&](ResolvedSource& source) {
        if (source.of_own_pipeline && source.artifact && source.artifact->digest == output->digest)
          source.artifact =
              ArtifactRef{before->second->digest, before->second->folder, before->second->bytes};
      };
      for (ResolvedInput& input : step.inputs) {
        put(input);
        for (ResolvedSource& source : input.otherwise) put(source);
      }
      output = before->second;
    }
  }
  return seen;
}

class Taking {
 public:
  Taking(const RunObserved& o, FactRequests& requests)
      : o_(o), former_(*o.former), now_(*o.resolved), requests_(requests) {
    for (const api::StepStatus& s : former_.run.status.steps) then_[s.name] = &s;
  }

  TakenSteps Take(TimePoint when) {
    FindRoots();
    bool known = true;
    do {
      do Close();
      while (FindSharers());
    } while (FindGone(known));
    TakenSteps taken;
    taken.known = known;
    if (!known) return taken;
    for (const ResolvedStep& step : now_.steps) {
      const api::StepStatus* then = Then(step.name);
      if (again_.contains(step.name) || then == nullptr || then->phase != StepPhase::kSucceeded)
        continue;
      taken.steps.emplace(step.name, AsTaken(*then, former_.run.meta.name, when));
    }
    return taken;
  }

 private:
  [[nodiscard]] const api::StepStatus* Then(const std::string& step) const {
    const auto found = then_.find(step);
    return found == then_.end() ? nullptr : found->second;
  }

  // What is made again by itself.
  void FindRoots() {
    const auto& from = o_.run.spec.rerun->from;
    roots_.insert(from.begin(), from.end());
    const ResolvedRun nothing;
    const ResolvedRun& former = former_.resolved ? *former_.resolved : nothing;
    const std::vector<std::string> changed =
        former_.resolved ? ChangedSteps(former, WithoutItsOwn(former_, now_))
                         : ChangedSteps(former, now_);
    roots_.insert(changed.begin(), changed.end());
    const std::vector<std::string> words = ChangedWords(former, now_);
    const std::map<std::string, Json> encoded =
        words.empty() ? std::map<std::string, Json>() : EncodeSteps(now_);
    for (const auto& [name, step] : encoded) {
      const std::string text = step.dump();
      if (std::any_of(words.begin(), words.end(),
                      [&](const std::string& w) { return text.find(w) != std::string::npos; }))
        roots_.insert(name);
    }
    for (const ResolvedStep& step : now_.steps)
      if (step.final_step || !MayBeTaken(step)) roots_.insert(step.name);
  }

  [[nodiscard]] bool MayBeTaken(const ResolvedStep& step) const {
    const api::StepStatus* then = Then(step.name);
    if (then == nullptr || step.approval || step.nested) return false;
    if (o_.run.spec.rerun->latest && !step.wait && CodeIdentity(step).empty()) return false;
    return then->phase == StepPhase::kSucceeded || then->phase == StepPhase::kSkipped;
  }

  // A volume of the run is empty when the run begins: who mounts one with a step that is made again
  // fills it again.
  bool FindSharers() {
    std::set<std::string> mounted;
    for (const ResolvedStep& step : now_.steps)
      if (again_.contains(step.name))
        mounted.insert(step.run_volumes.begin(), step.run_volumes.end());
    bool grew = false;
    for (const ResolvedStep& step : now_.steps)
      if (std::any_of(step.run_volumes.begin(), step.run_volumes.end(),
                      [&](const std::string& volume) { return mounted.contains(volume); }))
        grew = roots_.insert(step.name).second || grew;
    return grew;
  }

  // They stand in the order of their dependencies. A daemon by itself drags nothing along.
  void Close() {
    again_ = roots_;
    std::set<std::string> drags;
    for (const ResolvedStep& step : now_.steps) {
      if (!roots_.contains(step.name) && !Depends(step, drags)) continue;
      again_.insert(step.name);
      drags.insert(step.name);
    }
    for (auto daemon = now_.steps.rbegin(); daemon != now_.steps.rend(); ++daemon) {
      if (!daemon->daemon) continue;
      if (IsUsed(daemon->name)) again_.insert(daemon->name);
    }
  }

  // By a step that is made again. One on which none depends is for all of them.
  [[nodiscard]] bool IsUsed(const std::string& daemon) const {
    bool has_users = false, goes_on = false;
    for (const ResolvedStep& step : now_.steps) {
      if (step.final_step || step.name == daemon) continue;
      const bool again = again_.contains(step.name);
      goes_on = goes_on || (again && !step.daemon);
      if (!Depends(step, {daemon})) continue;
      if (again) return true;
      has_users = true;
    }
    return !has_users && goes_on;
  }

  // Steps that would be taken, and of which something that is read again is not there: roots, too.
  bool FindGone(bool& known) {
    bool grew = false;
    known = true;
    const auto look = [&](const std::string& step, const std::string& output) {
      const api::StepStatus* then = Then(step);
      if (again_.contains(step) || then == nullptr) return;
      for (const api::StepOutput& o : then->outputs) {
        if (o.name != output) continue;
        const auto answer = o_.artifacts.find(o.digest);
        if (answer == o_.artifacts.end()) {
          known = false;
          requests_.artifacts.push_back(o.digest);
        } else if (!answer->second.artifact) {
          grew = roots_.insert(step).second || grew;
        }
      }
    };
    for (const ResolvedStep& step : now_.steps)
      if (again_.contains(step.name))
        for (const OutputRef& taken : step.Takes()) look(taken.step, taken.output);
    for (const auto& [name, text] : now_.outputs) {
      const auto parsed = ParseTemplate(text);
      const Reference* whole = parsed ? parsed->Whole() : nullptr;
      if (whole != nullptr && whole->Is({"steps", "*", "outputs", "*"}))
        look(whole->path[1], whole->path[3]);
    }
    return grew;
  }

  const RunObserved& o_;
  const FormerRun& former_;
  const ResolvedRun& now_;
  FactRequests& requests_;
  std::map<std::string, const api::StepStatus*> then_;
  std::set<std::string> roots_, again_;
};

}  // namespace

bool AnyBegun(const api::PipelineRun& run) {
  if (!run.status.succeeded_indexes.empty()) return true;
  return std::any_of(run.status.steps.begin(), run.status.steps.end(), [](const auto& s) {
    return api::IsFinal(s.phase) || s.attempts > 0 || s.items || s.start_time;
  });
}

std::set<std::string> StepsAnew(const ResolvedRun& resolved, const std::vector<std::string>& from) {
  std::set<std::string> anew(from.begin(), from.end());
  for (const ResolvedStep& step : resolved.steps)
    if (Depends(step, anew)) anew.insert(step.name);
  return anew;
}

std::string UnknownFrom(const ResolvedRun& resolved, const std::vector<std::string>& from) {
  for (const std::string& name : from) {
    if (resolved.Find(name) != nullptr) continue;
    std::string names;
    for (const ResolvedStep& step : resolved.steps)
      names += (names.empty() ? "" : ", ") + step.name;
    return "there is no step " + name + "; there is " + names;
  }
  return "";
}

std::vector<std::string> ChangedSteps(const ResolvedRun& former, const ResolvedRun& now) {
  std::vector<std::string> changed;
  if (&former == &now) return changed;
  const auto before = EncodeSteps(former), after = EncodeSteps(now);
  for (const ResolvedStep& step : now.steps) {
    const auto then = before.find(step.name);
    if (then == before.end() || then->second != after.at(step.name)) changed.push_back(step.name);
  }
  return changed;
}

TakenSteps TakeFromFormer(const RunObserved& observed, TimePoint now, FactRequests& requests) {
  return Taking(observed, requests).Take(now);
}

}  // namespace penstock::plan
