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
  explicit NeverRuns(const CheckContext& c) : c_(c) {
    for (std::size_t i = 0; i < c.spec.steps.size(); ++i) index_.emplace(c.spec.steps[i].name, i);
  }

  void Check() {
    const auto order = TopologicalOrder(DependencyGraph(c_.spec));
    wants_.resize(c_.spec.steps.size());
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
    for (const auto& [step, outcome] : NeedsOf(c_.spec.steps[i])) {
      if (outcome == api::DependencyOutcome::kAny) continue;  // a skipped step will do
      Add(mine.success, wants_[step].success);
      Add(mine.failure, wants_[step].failure);
      (outcome == api::DependencyOutcome::kFailed ? mine.failure : mine.success)[step] = true;
    }
  }

  using Needs = std::vector<std::pair<std::size_t, api::DependencyOutcome>>;

  Needs NeedsOf(const api::StepSpec& step) const {
    Needs needs;
    for (const api::Dependency& d : step.depends_on)
      if (const auto it = index_.find(d.step); it != index_.end())
        needs.emplace_back(it->second, d.outcome);
    const auto success = [&](const Reference& r) {
      const auto it = r.path.size() == 4 && r.Is({"steps"}) ? index_.find(r.path[1]) : index_.end();
      if (it != index_.end()) needs.emplace_back(it->second, api::DependencyOutcome::kSucceeded);
    };
    std::vector<FoundReference> found;
    std::vector<api::FieldError> ignored;  // said by the checks
    for (const auto& [name, text] : step.inputs)
      if (!MayBeAbsent(step, name)) CollectReferences(text, "", found, ignored);
    for (const auto& [name, value] : step.parameters) CollectReferences(value, "", found, ignored);
    for (const FoundReference& f : found) success(f.reference);
    return needs;
  }

  // An optional input of a Component; of one that is not at hand nothing is known.
  bool MayBeAbsent(const api::StepSpec& step, const std::string& input) const {
    if (step.container) return false;
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
    const std::string& name = c_.spec.steps[on].name;
    const auto& deps = c_.spec.steps[i].depends_on;
    std::string path = api::ItemPath("spec.steps", i);
    for (std::size_t k = 0; k < deps.size(); ++k)
      if (deps[k].step == name && deps[k].outcome == api::DependencyOutcome::kFailed)
        path = api::ItemPath(path + ".dependsOn", k) + ".outcome";
    c_.out.Add(path, "the step can never run: it wants step '" + name +
                         "' to fail, but also what there is only when '" + name +
                         "' has succeeded (an output, a result, or a step that depends on it); " +
                         "a step that fails gives no outputs and no results");
    wants_[i].success[on] = wants_[i].failure[on] = false;
  }

  const CheckContext& c_;
  std::map<std::string, std::size_t> index_;
  std::vector<Wants> wants_;
};

}  // namespace

void CheckNeverRuns(const CheckContext& c) {
  const auto after_failure = [](const api::StepSpec& s) {
    return std::any_of(s.depends_on.begin(), s.depends_on.end(), [](const api::Dependency& d) {
      return d.outcome == api::DependencyOutcome::kFailed;
    });
  };
  if (std::any_of(c.spec.steps.begin(), c.spec.steps.end(), after_failure)) NeverRuns(c).Check();
}

}  // namespace penstock::plan
