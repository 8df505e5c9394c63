// A step runs when its dependencies have ended as it wants, which each of them can only if its own
// have. So what a step wants of those before it adds up; where that is both a success and a failure
// of one step, it can never run.
#include <algorithm>
#include <optional>

#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {
namespace {

// By index of the step that something is wanted of.
struct Wants {
  std::vector<bool> success, failure;
};

void Add(std::vector<bool>& to, const std::vector<bool>& more) {
  for (std::size_t i = 0; i < to.size(); ++i)
    if (more[i]) to[i] = true;
}

class NeverRuns {
 public:
  explicit NeverRuns(const CheckContext& c) : c_(c), steps_(StepsOf(c.spec)) {
    for (std::size_t i = 0; i < steps_.size(); ++i) index_.emplace(steps_[i].step->name, i);
  }

  void Check() {
    const auto order = TopologicalOrder(DependencyGraph(c_.spec));
    wants_.resize(steps_.size());
    for (const std::size_t i : order) {
      Gather(i);
      if (auto both = Both(i)) Tell(i, *both);
    }
  }

 private:
  void Gather(std::size_t i) {
    Wants& mine = wants_[i];
    mine.success.resize(wants_.size());
    mine.failure.resize(wants_.size());
    for (const auto& [step, outcome] : NeedsOf(*steps_[i].step)) {
      const bool failed = outcome == api::DependencyOutcome::kFailed;
      // a skipped step will do
      if (!failed && outcome != api::DependencyOutcome::kSucceeded) continue;
      Add(mine.success, wants_[step].success);
      Add(mine.failure, wants_[step].failure);
      (failed ? mine.failure : mine.success)[step] = true;
    }
  }

  using Needs = std::vector<std::pair<std::size_t, api::DependencyOutcome>>;

  // A failure that is allowed, or that something stands in for, will do where a success is wanted.
  static api::DependencyOutcome Wanted(const api::Dependency& d, const api::StepSpec& on) {
    const bool either =
        (on.allow_failure || on.on_failure) && d.outcome == api::DependencyOutcome::kSucceeded;
    return either ? api::DependencyOutcome::kAny : d.outcome;
  }

  Needs NeedsOf(const api::StepSpec& step) const {
    Needs needs;
    for (const api::Dependency& d : step.depends_on)
      if (const auto it = index_.find(d.step); it != index_.end())
        needs.emplace_back(it->second, Wanted(d, *steps_[it->second].step));
    const auto success = [&](const Reference& r) {
      const auto it = r.Is({"steps", "*", "*", "*"}) ? index_.find(r.path[1]) : index_.end();
      if (it == index_.end() || steps_[it->second].step->on_failure) return;
      needs.emplace_back(it->second, api::DependencyOutcome::kSucceeded);
    };
    for (const FoundReference& f : ReferencesOf(step)) {
      const bool is_input = f.path.starts_with("inputs.");
      if (f.either || (is_input && MayBeAbsent(step, f.path.substr(7)))) continue;
      // The results of a failed step are there too, where it is waited for as one.
      if (f.reference.Is({"steps", "*", "results"}) && IsNamed(step, f.reference.path[1])) continue;
      success(f.reference);
    }
    return needs;
  }

  static bool IsNamed(const api::StepSpec& step, const std::string& on) {
    return std::any_of(step.depends_on.begin(), step.depends_on.end(),
                       [&](const api::Dependency& d) { return d.step == on; });
  }

  // An optional input of a Component; of one that is not at hand nothing is known.
  bool MayBeAbsent(const api::StepSpec& step, const std::string& input) const {
    if (!step.component) return false;
    const auto it = c_.components.find(step.name);
    if (it == c_.components.end()) return true;
    const auto& inputs = it->second.inputs;
    return std::any_of(inputs.begin(), inputs.end(),
                       [&](const auto& i) { return i.name == input && i.optional; });
  }

  std::optional<std::size_t> Both(std::size_t i) const {
    for (std::size_t k = 0; k < wants_.size(); ++k)
      if (wants_[i].success[k] && wants_[i].failure[k]) return k;
    return std::nullopt;
  }

  // At the step in which the two meet; those after it cannot run either, which follows from it.
  void Tell(std::size_t i, std::size_t on) {
    const std::string& name = steps_[on].step->name;
    const auto& deps = steps_[i].step->depends_on;
    std::string path = steps_[i].path;
    for (std::size_t k = 0; k < deps.size(); ++k)
      if (deps[k].step == name && deps[k].outcome == api::DependencyOutcome::kFailed)
        path = api::ItemPath(path + ".dependsOn", k) + ".outcome";
    c_.out.Add(path, "the step can never run: it wants step '" + name +
                         "' to fail, but also what there is only when '" + name +
                         "' has succeeded (an output, or a step that depends on it); " +
                         "a step that fails gives no outputs");
    wants_[i].success[on] = wants_[i].failure[on] = false;
  }

  const CheckContext& c_;
  std::vector<ListedStep> steps_;
  std::map<std::string, std::size_t> index_;
  std::vector<Wants> wants_;
};

}  // namespace

void CheckNeverRuns(const CheckContext& c) {
  const auto after_failure = [](const ListedStep& s) {
    const auto& on = s.step->depends_on;
    return std::any_of(on.begin(), on.end(), [](const api::Dependency& d) {
      return d.outcome == api::DependencyOutcome::kFailed;
    });
  };
  const auto steps = StepsOf(c.spec);
  if (std::any_of(steps.begin(), steps.end(), after_failure)) NeverRuns(c).Check();
}

}  // namespace penstock::plan
