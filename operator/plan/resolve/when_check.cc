#include "operator/plan/resolve/when_check.h"

#include <algorithm>

#include "operator/plan/expression/expression.h"

namespace penstock::plan {
namespace {

using expression::Type;
using Kind = Type::Kind;

std::vector<expression::Path> PathsIn(const std::string& when) {
  if (when.empty()) return {};
  const auto parsed = expression::Expression::Parse(when);
  return parsed ? PathsOf(*parsed) : std::vector<expression::Path>{};
}

Type TypeOf(api::ValueType type) {
  switch (type) {
    case api::ValueType::kString:
      return Of(Kind::kString);
    case api::ValueType::kInteger:
      return Of(Kind::kInt);
    case api::ValueType::kNumber:
      return Of(Kind::kDouble);
    case api::ValueType::kBoolean:
      return Of(Kind::kBool);
    case api::ValueType::kList:
      return expression::ListOf(Of(Kind::kDyn));
    case api::ValueType::kObject:
      return expression::MapOf(Of(Kind::kString), Of(Kind::kDyn));
  }
  return {};
}

// The names that conditions have, with their types: once for all steps of a spec.
class ConditionNames {
 public:
  explicit ConditionNames(const CheckContext& c) : c_(c) {
    expression::ObjectType parameters{"the pipeline", "parameter", {}};
    for (const auto& [name, p] : c.parameters)
      parameters.fields.emplace(name, p->optional || p->untyped ? Type{} : TypeOf(p->type));
    expression::ObjectType steps{"the pipeline", "step", {}};
    for (const auto& [name, step] : c.steps) steps.fields.emplace(name, OfStep(*step));
    all_ = {{"parameters", ObjectOf(std::move(parameters))}, {"steps", ObjectOf(std::move(steps))}};
  }

  [[nodiscard]] std::map<std::string, Type> Of(const ListedStep& listed) const {
    std::map<std::string, Type> names = all_;
    expression::ObjectType run{"the run", "field", {}};
    for (const char* name : {"name", "uid", "namespace"})
      run.fields.emplace(name, expression::Of(Kind::kString));
    if (listed.is_final) {
      run.fields.emplace("status", expression::Of(Kind::kString));
      run.fields.emplace("duration", expression::Of(Kind::kInt));
      run.fields.emplace("failures",
                         expression::ListOf(expression::MapOf(expression::Of(Kind::kString),
                                                              expression::Of(Kind::kString))));
    } else {
      run.what = "the run, while its steps go on,";
    }
    names.emplace("run", ObjectOf(std::move(run)));
    if (!listed.step->for_each) return names;
    expression::ObjectType each{"an item", "field", {}};
    each.fields = {{"value", Type{}}, {"index", expression::Of(Kind::kInt)}};
    names.emplace("each", ObjectOf(std::move(each)));
    return names;
  }

 private:
  [[nodiscard]] Type OfStep(const api::StepSpec& step) const {
    const std::string what = "step '" + step.name + "'";
    const StepInterface known = InterfaceOf(step, c_.components);
    const bool is_loop = step.for_each.has_value();
    expression::ObjectType out{what, "field", {{"status", expression::Of(Kind::kString)}}};
    if (HasExitCode(step)) out.fields.emplace("exitCode", expression::Of(Kind::kInt));
    for (const char* count : {"succeeded", "failed", "skipped", "total"})
      if (is_loop) out.fields.emplace(count, expression::Of(Kind::kInt));
    expression::ObjectType results{what, "result", {}};
    expression::ObjectType outputs{what, "output", {}};
    if (known.results != nullptr)
      for (const auto& r : *known.results)
        results.fields.emplace(r.name, is_loop ? expression::ListOf(Type{}) : TypeOf(r.type));
    if (known.outputs != nullptr)
      for (const auto& o : *known.outputs)
        outputs.fields.emplace(o.name, expression::Of(Kind::kString));
    out.fields.emplace("results", known.results == nullptr ? Type{} : ObjectOf(std::move(results)));
    out.fields.emplace("outputs", known.outputs == nullptr ? Type{} : ObjectOf(std::move(outputs)));
    return ObjectOf(std::move(out));
  }

  const CheckContext& c_;
  std::map<std::string, Type> all_;
};

void CheckOne(const CheckContext& c, const ListedStep& listed, const ConditionNames& names) {
  const std::string path = listed.path + ".when";
  const auto parsed = expression::Expression::Parse(listed.step->when);
  if (!parsed) return c.out.Add(path, parsed.error().message);
  std::vector<std::string> errors;
  const Type type = Check(*parsed, names.Of(listed), errors);
  for (std::string& error : errors) c.out.Add(path, std::move(error));
  if (!errors.empty() || type.kind == Kind::kBool || IsDyn(type)) return;
  c.out.Add(path,
            "is a " + expression::Name(type) + ", not true or false; compare it, as in x > 0");
}

bool ReadsAValue(const expression::Path& path) {
  return !path.asked && path.names.size() > 3 &&
         (path.names[2] == "results" || path.names[2] == "outputs");
}

}  // namespace

std::map<std::string, api::DependencyOutcome> WhenNeeds(const std::string& when) {
  std::map<std::string, api::DependencyOutcome> needs;
  for (const expression::Path& path : PathsIn(when)) {
    if (path.names[0] != "steps" || path.names.size() < 2) continue;
    auto& outcome = needs.emplace(path.names[1], api::DependencyOutcome::kSucceeded).first->second;
    if (!ReadsAValue(path)) outcome = api::DependencyOutcome::kAny;
  }
  return needs;
}

std::set<std::string> WhenParameters(const std::string& when) {
  std::set<std::string> names;
  for (const expression::Path& path : PathsIn(when))
    if (path.names[0] == "parameters" && path.names.size() > 1) names.insert(path.names[1]);
  return names;
}

bool NamesEach(const std::string& when) {
  const auto paths = PathsIn(when);
  return std::any_of(paths.begin(), paths.end(),
                     [](const expression::Path& p) { return p.names[0] == "each"; });
}

void CheckConditions(const CheckContext& c) {
  std::optional<ConditionNames> names;
  for (const ListedStep& listed : StepsOf(c.spec)) {
    if (listed.step->when.empty()) continue;
    if (!names) names.emplace(c);
    CheckOne(c, listed, *names);
  }
}

}  // namespace penstock::plan
