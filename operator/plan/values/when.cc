#include "operator/plan/values/when.h"

#include <algorithm>

#include "operator/plan/expression/expression.h"
#include "operator/plan/values/indexes.h"

namespace penstock::plan {
namespace {

using expression::Numbers;
using expression::Object;
using expression::ObjectPtr;
using expression::Value;

constexpr std::size_t kMaxShown = 80;       // of one value
constexpr std::size_t kMaxShownValues = 8;  // in a message

Numbers NumbersOf(api::ValueType type) {
  return type == api::ValueType::kNumber    ? Numbers::kAsDoubles
         : type == api::ValueType::kInteger ? Numbers::kAsInts
                                            : Numbers::kAsWritten;
}

class Parameters : public Object {
 public:
  explicit Parameters(const ResolvedRun& run) : run_(run) {}
  Result<Value> Get(const std::string& name) const override {
    const auto it = run_.parameters.find(name);
    if (it == run_.parameters.end()) return NotFound("there is no parameter '" + name + "'");
    const auto& numbers = run_.number_parameters;
    const bool number = std::find(numbers.begin(), numbers.end(), name) != numbers.end();
    return expression::FromJson(it->second, number ? Numbers::kAsDoubles : Numbers::kAsWritten);
  }
  bool Has(const std::string& name) const override {
    const auto it = run_.parameters.find(name);
    return it != run_.parameters.end() && !it->second.is_null();
  }

 private:
  const ResolvedRun& run_;
};

class Results : public Object {
 public:
  Results(const ResolvedStep* step, const api::StepStatus& status) : step_(step), status_(status) {}
  Result<Value> Get(const std::string& name) const override {
    const auto it = status_.results.find(name);
    const std::string why = it == status_.results.end() ? WhyOutOfReach(status_, name) : "";
    if (!why.empty()) return Invalid("steps." + status_.name + ".results." + name + ": " + why);
    if (it == status_.results.end())
      return NotFound("step " + status_.name + " gave no result '" + name + "'");
    api::ValueType type = api::ValueType::kString;
    if (step_ != nullptr)
      for (const auto& r : step_->results)
        if (r.name == name) type = r.type;
    return expression::FromJson(it->second, NumbersOf(type));
  }
  bool Has(const std::string& name) const override { return status_.results.contains(name); }

 private:
  const ResolvedStep* step_;
  const api::StepStatus& status_;
};

class Outputs : public Object {
 public:
  explicit Outputs(const api::StepStatus& status) : status_(status) {}
  Result<Value> Get(const std::string& name) const override {
    for (const api::StepOutput& o : status_.outputs)
      if (o.name == name) return Value(o.digest);
    if (HasNoEntry(status_))
      return Invalid("steps." + status_.name + ".outputs." + name + ": " +
                     WhyOutOfReach(status_, name));
    return NotFound("step " + status_.name + " gave no output '" + name + "'");
  }
  bool Has(const std::string& name) const override {
    return std::any_of(status_.outputs.begin(), status_.outputs.end(),
                       [&](const api::StepOutput& o) { return o.name == name; });
  }

 private:
  const api::StepStatus& status_;
};

class OneStep : public Object {
 public:
  OneStep(const ResolvedStep* step, const api::StepStatus& status) : step_(step), status_(status) {}
  Result<Value> Get(const std::string& field) const override {
    if (field == "status") return Value(std::string(api::Name(status_.phase)));
    if (field == "exitCode" && status_.phase == api::StepPhase::kSucceeded)
      return Value(std::int64_t{0});
    if (field == "exitCode" && status_.exit_code) return Value(std::int64_t{*status_.exit_code});
    if (field == "exitCode")
      return NotFound("step " + status_.name + " did not end by an exit code of its program");
    if (field == "results") return Value(ObjectPtr(std::make_shared<Results>(step_, status_)));
    if (field == "outputs") return Value(ObjectPtr(std::make_shared<Outputs>(status_)));
    if (HasNoEntry(status_))
      return Invalid("steps." + status_.name + "." + field + ": " + WhyOutOfReach(status_, field));
    const api::ItemsStatus items = status_.items.value_or(api::ItemsStatus{});
    if (field == "total") return Value(std::int64_t{items.total});
    for (const auto& [name, indexes] :
         {std::pair("succeeded", &items.succeeded_indexes),
          std::pair("failed", &items.failed_indexes), std::pair("skipped", &items.skipped_indexes)})
      if (field == name)
        return Value(static_cast<std::int64_t>(ParseIndexes(*indexes, api::kMaxItems).size()));
    return NotFound("step " + status_.name + " has no '" + field + "'");
  }
  bool Has(const std::string& field) const override { return Get(field).has_value(); }

 private:
  const ResolvedStep* step_;
  const api::StepStatus& status_;
};

class Steps : public Object {
 public:
  Steps(const ResolvedRun& run, const ValueSource& source) : run_(run), source_(source) {}
  Result<Value> Get(const std::string& name) const override {
    const api::StepStatus* status = source_.status_of(name);
    if (status == nullptr) return NotFound("there is no step '" + name + "'");
    return Value(ObjectPtr(std::make_shared<OneStep>(run_.Find(name), *status)));
  }
  bool Has(const std::string& name) const override { return source_.status_of(name) != nullptr; }

 private:
  const ResolvedRun& run_;
  const ValueSource& source_;
};

// Fields that are known; an item of a loop, or the run.
class Fields : public Object {
 public:
  explicit Fields(Json fields) : fields_(std::move(fields)) {}
  Result<Value> Get(const std::string& name) const override {
    const auto it = fields_.find(name);
    if (it == fields_.end()) return NotFound("there is no '" + name + "' here");
    return expression::FromJson(*it);
  }
  bool Has(const std::string& name) const override { return fields_.contains(name); }

 private:
  Json fields_;
};

Json RunFields(const ValueSource& source) {
  const api::ObjectMeta& meta = source.run.meta;
  Json run{{"name", meta.name}, {"uid", meta.uid}, {"namespace", meta.namespace_}};
  if (source.run_so_far != nullptr) run.update(*source.run_so_far);
  return run;
}

std::map<std::string, Value> VariablesOf(const ResolvedRun& run, const ValueSource& source) {
  std::map<std::string, Value> out{
      {"parameters", Value(ObjectPtr(std::make_shared<Parameters>(run)))},
      {"steps", Value(ObjectPtr(std::make_shared<Steps>(run, source)))},
      {"run", Value(ObjectPtr(std::make_shared<Fields>(RunFields(source))))}};
  if (source.each != nullptr)
    out.emplace("each", Value(ObjectPtr(std::make_shared<Fields>(*source.each))));
  return out;
}

// Of what a condition asks whether it is there, and nobody can tell; empty: everybody can.
std::string WhyUnanswerable(const expression::Expression& expression, const ValueSource& source) {
  for (const expression::Path& path : PathsOf(expression)) {
    const auto& names = path.names;
    if (!path.asked || names.size() < 3 || names[0] != "steps" || names[2] == "status" ||
        names[2] == "exitCode")
      continue;
    const api::StepStatus* status = source.status_of(names[1]);
    if (status == nullptr) continue;
    const std::string asked = names.size() > 3 ? names[3] : "";
    const bool too_long = names[2] == "results" && !status->results.contains(asked);
    if (!too_long && !HasNoEntry(*status)) continue;
    if (std::string why = WhyOutOfReach(*status, asked); !why.empty())
      return "steps." + names[1] + "." + names[2] + (asked.empty() ? "" : "." + asked) + ": " + why;
  }
  return "";
}

// "parameters.train is false, steps.check.results.rows is 50": what the condition read.
std::string ValuesRead(const expression::Expression& expression,
                       const std::map<std::string, Value>& variables) {
  std::vector<std::string> said;
  for (const expression::Path& path : PathsOf(expression)) {
    if (said.size() > kMaxShownValues) break;
    const auto root = variables.find(path.names[0]);
    if (root == variables.end()) continue;
    Result<Value> value = root->second;
    std::string name = path.names[0];
    std::size_t at = 1;
    for (; at < path.names.size() && value; ++at) {
      const auto* object = value->As<ObjectPtr>();
      if (object == nullptr) break;
      name += "." + path.names[at];
      const Result<Value> next = (*object)->Get(path.names[at]);
      value = next;
    }
    if (value && value->As<ObjectPtr>() != nullptr) continue;
    std::string text =
        name + (value ? " is " + Written(*value, kMaxShown) : std::string(" is absent"));
    if (std::find(said.begin(), said.end(), text) == said.end()) said.push_back(std::move(text));
  }
  std::string out;
  for (std::size_t i = 0; i < said.size() && i < kMaxShownValues; ++i)
    out += (i == 0 ? "" : ", ") + said[i];
  return said.size() > kMaxShownValues ? out + ", ..." : out;
}

}  // namespace

std::optional<WhenNot> LookAtWhen(const ResolvedStep& step, const ResolvedRun& run,
                                  const ValueSource& source) {
  const auto wrong = [&](const std::string& why) {
    return WhenNot{api::StepPhase::kFailed, "WhenError",
                   "when: " + step.when + ": " + why + "; it is not tried again"};
  };
  const auto parsed = expression::Expression::Parse(step.when);
  if (!parsed) return wrong(parsed.error().message);
  if (const std::string why = WhyUnanswerable(*parsed, source); !why.empty()) return wrong(why);
  const auto variables = VariablesOf(run, source);
  const Result<Value> value = Evaluate(*parsed, variables);
  if (!value && value.error().kind == ErrorKind::kNotFound)
    return WhenNot{api::StepPhase::kSkipped, "ResultAbsent",
                   "when: " + step.when + ": " + value.error().message};
  if (!value) return wrong(value.error().message);
  const bool* answer = value->As<bool>();
  if (answer == nullptr)
    return wrong(std::string("it is a ") + value->TypeName() + ", not true or false");
  if (*answer) return std::nullopt;
  const std::string read = ValuesRead(*parsed, variables);
  return WhenNot{api::StepPhase::kSkipped, "WhenFalse",
                 "when: " + step.when + " is false" + (read.empty() ? "" : ": " + read)};
}

}  // namespace penstock::plan
