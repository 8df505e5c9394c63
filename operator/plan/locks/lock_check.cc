#include "operator/plan/locks/lock_check.h"

#include <algorithm>
#include <set>
#include <utility>

#include "operator/api/limits.h"
#include "operator/api/reader.h"

namespace penstock::plan {
namespace {

constexpr api::Text kLockName{40, &api::kDnsLabel, true};

void Add(std::vector<api::FieldError>& out, std::string path, std::string message) {
  out.push_back({std::move(path), std::move(message)});
}

void CheckLockNames(const std::vector<api::LockRef>& locks, const std::string& path,
                    std::vector<api::FieldError>& out) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < locks.size(); ++i) {
    const std::string at = api::ItemPath(path, i) + ".name";
    const std::string& name = locks[i].name;
    if (const auto wrong = api::TextProblem(name, kLockName))
      Add(out, at, *wrong);
    else if (!seen.insert(name).second)
      Add(out, at, "'" + name + "' stands there twice");
  }
}

// What is held while a step asks for its locks, by what is around it and by a daemon beside it.
struct Held {
  std::string around;
  HeldByDaemon beside;
  [[nodiscard]] Held With(const std::vector<api::LockRef>& locks) const {
    return {std::max(around, LastOf(locks)), beside};
  }
  // Why a lock may not be asked for; empty: it may.
  [[nodiscard]] std::string WhyNot(const std::string& lock) const {
    if (!around.empty())
      if (std::string why = WhyNotUnder(lock, around); !why.empty()) return why;
    if (beside.lock.empty()) return "";
    const std::string why = WhyNotUnder(lock, beside.lock);
    return why.empty() ? ""
                       : "the daemon " + beside.daemon + " holds '" + beside.lock +
                             "' until those that use it have ended: " + why;
  }
};

Held HeldAround(const api::StepSpec& step, const std::string& of_run,
                const LocksOfDaemons& daemons) {
  const auto beside = daemons.find(step.name);
  return {of_run, beside == daemons.end() ? HeldByDaemon{} : beside->second};
}

void CheckUnder(const std::vector<api::LockRef>& locks, const std::string& path, const Held& held,
                std::vector<api::FieldError>& out) {
  for (std::size_t i = 0; i < locks.size(); ++i)
    if (const std::string why = held.WhyNot(locks[i].name); !why.empty())
      Add(out, api::ItemPath(path, i) + ".name", why);
}

// Pipelines by name, with all that they run.
class NamedPipelines {
 public:
  NamedPipelines(const FindPipeline& find, std::vector<api::FieldError>& out)
      : find_(find), out_(out) {}

  void Check(const api::PipelineSpec& spec, const LocksOfDaemons& daemons) {
    const std::string of_run = LastOf(spec.locks);
    api::ForEachStep(spec, "spec", [&](const api::StepSpec& step, const std::string& path) {
      if (step.pipeline) Check(step, HeldAround(step, of_run, daemons).With(step.locks), path);
    });
  }

 private:
  void Check(const api::StepSpec& step, const Held& held, const std::string& path) {
    if (held.around.empty() && held.beside.lock.empty()) return;
    seen_.clear();
    if (!step.pipeline->name.empty()) return Named(*step.pipeline, held, path);
    api::ForEachOf(step.pipeline->steps, "", [&](const api::StepSpec& inner, const std::string&) {
      if (inner.pipeline && !inner.pipeline->name.empty()) Named(*inner.pipeline, held, path);
    });
  }

  void Named(const api::NestedPipeline& nested, const Held& held, const std::string& path) {
    if (!seen_.insert({nested.name, nested.library}).second) return;
    const auto pipeline = find_(nested.name, nested.library);
    if (pipeline == nullptr) return;  // told where it is looked for, or when it comes
    const auto take = [&](const std::vector<api::LockRef>& locks) {
      for (const api::LockRef& lock : locks)
        if (const std::string why = held.WhyNot(lock.name); !why.empty())
          Add(out_, path + ".pipeline",
              "the Pipeline " + nested.name + " takes the lock " + lock.name + ": " + why);
    };
    take(pipeline->spec.locks);
    api::ForEachStep(pipeline->spec, "", [&](const api::StepSpec& inner, const std::string&) {
      take(inner.locks);
      if (inner.pipeline && !inner.pipeline->name.empty()) Named(*inner.pipeline, held, path);
    });
  }

  const FindPipeline& find_;
  std::vector<api::FieldError>& out_;
  std::set<std::pair<std::string, bool>> seen_;
};

}  // namespace

std::string WhyNotUnder(const std::string& lock, const std::string& held) {
  if (lock > held) return "";
  if (lock == held)
    return "'" + lock +
           "' is held already around this, which would wait for itself; remove it here";
  return "'" + lock + "' comes before '" + held +
         "', which is held around this: under a lock only those may be taken that come after it by "
         "their names, or two runs could wait for each other; take both at once, where '" +
         held + "' is taken, or give one of them another name";
}

std::string LastOf(const std::vector<api::LockRef>& locks) {
  std::string last;
  for (const api::LockRef& lock : locks) last = std::max(last, lock.name);
  return last;
}

std::vector<api::FieldError> CheckLocks(const api::PipelineSpec& spec,
                                        const LocksOfDaemons& daemons) {
  std::vector<api::FieldError> out;
  CheckLockNames(spec.locks, "spec.locks", out);
  const std::string of_run = LastOf(spec.locks);
  const auto check = [&](const std::vector<api::StepSpec>& steps, const std::string& path) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const api::StepSpec& step = steps[i];
      const std::string at = api::ItemPath(path, i);
      CheckLockNames(step.locks, at + ".locks", out);
      const Held held = HeldAround(step, of_run, daemons);
      CheckUnder(step.locks, at + ".locks", held, out);
      if (!step.pipeline) continue;
      const Held inside = held.With(step.locks);
      api::ForEachOf(step.pipeline->steps, at + ".pipeline.steps",
                     [&](const api::StepSpec& inner, const std::string& inner_path) {
                       CheckUnder(inner.locks, inner_path + ".locks", inside, out);
                     });
    }
  };
  check(spec.steps, "spec.steps");
  check(spec.finally, "spec.finally");
  return out;
}

std::vector<api::FieldError> CheckLocksOfNamed(const api::PipelineSpec& spec,
                                               const LocksOfDaemons& daemons,
                                               const FindPipeline& find) {
  std::vector<api::FieldError> out;
  if (find) NamedPipelines(find, out).Check(spec, daemons);
  return out;
}

}  // namespace penstock::plan
