#include <cstdlib>
#include <utility>

#include "operator/plan/resolve/loop.h"
#include "operator/plan/resolve/spec_check.h"

namespace penstock::plan {
namespace {

const api::ResultSpec* ResultOf(const StepInterface& from, const std::string& name) {
  for (const api::ResultSpec& result : *from.results)
    if (result.name == name) return &result;
  return nullptr;
}

// Where the value must be a list and is one reference, a list has to be declared.
void CheckListSource(const CheckContext& c, const FoundReference& f, bool must_be_list) {
  const Reference& r = f.reference;
  const auto wants_list = [&](const char* type) {
    if (must_be_list && f.whole && r.below.empty() && std::string(type) != "list")
      c.out.Add(f.path, r.Text() + " is a " + type + ", and a loop goes over a list");
  };
  if (r.Is({"parameters", "*"})) {
    const auto declared = c.parameters.find(r.path[1]);
    if (declared == c.parameters.end())
      return c.out.Add(f.path, r.Text() + ": the pipeline has no parameter '" + r.path[1] + "'");
    if (r.path.size() == 2 && !declared->second->untyped) wants_list(Name(declared->second->type));
    return;
  }
  if (r.Is({"steps", "*", "results", "*"})) {
    const auto step = c.steps.find(r.path[1]);
    if (step == c.steps.end())
      return c.out.Add(f.path, r.Text() + ": there is no step '" + r.path[1] + "'");
    const StepInterface from = InterfaceOf(*step->second, c.components);
    if (from.results == nullptr) return;
    const api::ResultSpec* result = ResultOf(from, r.path[3]);
    if (result == nullptr)
      return c.out.Add(f.path,
                       r.Text() + ": step " + r.path[1] + " has no result '" + r.path[3] + "'");
    if (r.path.size() == 4 && !result->untyped)
      wants_list(step->second->for_each ? "list" : Name(result->type));
    return;
  }
  c.out.Add(f.path, r.Text() + " cannot stand in forEach; it may hold $(parameters.x) and " +
                        "$(steps.s.results.r)");
}

// The step that a path is of: "spec.steps[3].parameters.x".
const api::StepSpec* StepAt(const api::PipelineSpec& spec, const std::string& path) {
  for (const auto& [prefix, steps] :
       {std::pair(std::string("spec.steps["), &spec.steps), {"spec.finally[", &spec.finally}}) {
    if (!path.starts_with(prefix)) continue;
    const auto index = std::strtoul(path.c_str() + prefix.size(), nullptr, 10);
    return index < steps->size() ? &(*steps)[index] : nullptr;
  }
  return nullptr;
}

}  // namespace

void CheckLoop(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  const api::ForEachSpec& spec = *step.for_each;
  if (auto needed = NeededSuccesses(spec.min_success, 0); !needed)
    c.out.Add(path, needed.error().message);
  const int ways =
      !spec.in.is_null() + spec.range.has_value() + (!spec.matrix.empty() || !spec.include.empty());
  if (ways != 1) return c.out.Add(path, "say exactly one of in, range and matrix");
  std::vector<FoundReference> found;
  const std::size_t errors = c.out.errors.size();
  CollectLoopReferences(spec, path, found, c.out.errors);
  for (const FoundReference& f : found) {
    const bool in_list = f.path == path + ".in" || (f.path.starts_with(path + ".matrix.") &&
                                                    f.path.find('[') == std::string::npos);
    CheckListSource(c, f, in_list);
  }
  if (!found.empty() || c.out.errors.size() > errors) return;
  const auto items =
      ListItems(spec, [](const Reference& r) -> Result<Json> { return Invalid(r.Text()); });
  if (!items) c.out.Add(path, items.error().message);
}

bool CheckEach(const CheckContext& c, const Reference& r, const std::string& path) {
  if (!r.Is({"each"})) return false;
  const api::StepSpec* step = StepAt(c.spec, path);
  if (step == nullptr || !step->for_each)
    c.out.Add(path, r.Text() +
                        ": the step has no forEach, so there is no item; a Pipeline in place gets "
                        "its item by parameters of the step that it is");
  else if (!r.IsJust({"each", "index"}) && !r.Is({"each", "value"}))
    c.out.Add(path, r.Text() + ": an item has $(each.value), its fields, and $(each.index)");
  return true;
}

}  // namespace penstock::plan
