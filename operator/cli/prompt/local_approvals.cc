#include "operator/cli/prompt/local_approvals.h"

#include <algorithm>
#include <istream>
#include <ostream>
#include <utility>

#include "operator/api/codec.h"
#include "operator/base/json.h"
#include "operator/base/shown_text.h"
#include "operator/cli/objects/object_table.h"
#include "operator/cli/objects/parameters.h"
#include "operator/cli/objects/state.h"
#include "operator/kube/resources.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/protocol/reference.h"

namespace penstock::cli {
namespace {

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.pop_back();
  return text.substr(std::min(text.size(), text.find_first_not_of(' ')));
}

using Values = std::map<std::string, Json>;

// What the step takes: the engine would refuse anything else, after all that comes before it.
Result<Values> ParseFor(const std::vector<std::string>& texts, const api::ApprovalStep& step) {
  Result<Values> values = ParseParameters(texts, step.values);
  if (!values) return values;
  for (const api::ParameterSpec& spec : step.values) {
    const auto given = values->find(spec.name);
    if (given == values->end()) {
      if (!spec.default_value && !spec.optional)
        return Invalid("the value '" + spec.name + "' (" + Name(spec.type) + ") is not given");
    } else if (const auto wrong = plan::CheckValue(spec, given->second)) {
      return Invalid("the value '" + spec.name + "': " + *wrong);
    }
  }
  return values;
}

// Of one of these steps, which have the same name in several Pipelines; the error is the first's.
Result<Values> ParseForAny(const std::vector<std::string>& texts,
                           const std::vector<api::ApprovalStep>& steps) {
  Result<Values> first = ParseFor(texts, steps.front());
  for (std::size_t i = 1; i < steps.size() && !first; ++i)
    if (auto values = ParseFor(texts, steps[i])) return values;
  return first;
}

// Whether the step of the run still waits for a decision.
bool StillWaits(kube::Client& client, const std::string& run, const std::string& step) {
  const Result<Json> object = client.Get(kube::kPipelineRuns, kLocalNamespace, run);
  if (!object) return false;
  for (const Json& one : object->value("status", Json::object()).value("steps", Json::array()))
    if (one.value("name", "") == step) return one.value("reason", "") == api::kAwaitingApproval;
  return false;
}

std::string Joined(const std::map<std::string, std::vector<api::ApprovalStep>>& steps) {
  std::string names;
  for (const auto& [name, step] : steps) names += (names.empty() ? "" : ", ") + name;
  return names.empty() ? "there is none" : "there is " + names;
}

}  // namespace

LocalApprovals::LocalApprovals(const std::vector<std::string>& given,
                               const std::vector<const api::PipelineSpec*>& specs,
                               const Session& session, ReadStep read_step)
    : session_(session), read_step_(std::move(read_step)) {
  const auto add = [&](const api::StepSpec& step, const std::string&) {
    if (step.approval) steps_[step.name].push_back(*step.approval);
  };
  for (const api::PipelineSpec* spec : specs) api::ForEachStep(*spec, "spec", add);
  std::map<std::string, std::vector<std::string>> values;
  for (const std::string& one : given) {
    const auto equals = one.find('=');
    auto& of_step = values[one.substr(0, equals)];
    if (equals != std::string::npos) of_step.push_back(one.substr(equals + 1));
  }
  for (const auto& [name, texts] : values) {
    const auto step = steps_.find(name);
    if (step == steps_.end()) {
      wrong_.push_back("--approve: there is no approval step '" + name + "'; " + Joined(steps_));
      continue;
    }
    if (const auto parsed = ParseForAny(texts, step->second); !parsed)
      wrong_.push_back("--approve " + name + ": " + parsed.error().message);
    given_[name] = texts;
  }
  if (session_.asks) return;
  for (const auto& [name, steps] : steps_) {
    if (values.contains(name)) continue;
    const bool asks = std::any_of(steps.begin(), steps.end(),
                                  [](const auto& step) { return !step.values.empty(); });
    wrong_.push_back("step " + name +
                     " waits for an approval, and nobody is here to give it: " + "say --approve " +
                     name + (asks ? "=name=value" : "") + ", or run it on a terminal");
  }
}

Result<void> LocalApprovals::Decide(kube::Client& client, const Json& run) {
  if (steps_.empty()) return {};
  const Result<kube::ListPage> all = client.List(kube::kPipelineRuns, kLocalNamespace, {});
  if (!all) return all.error();
  // Of a loop whose items are runs the status names none of them.
  std::vector<const Json*> runs{&run};
  for (std::size_t i = 0; i < runs.size(); ++i) {
    if (auto decided = DecideSteps(client, *runs[i]); !decided) return decided;
    const std::string name = runs[i]->at("metadata").value("name", "");
    for (const Json& other : all->items)
      if (ParentRun(other) == name) runs.push_back(&other);
  }
  return {};
}

Result<void> LocalApprovals::DecideSteps(kube::Client& client, const Json& run) {
  for (const Json& step : run.value("status", Json::object()).value("steps", Json::array())) {
    const std::string reason = step.value("reason", "");
    if (reason != api::kAwaitingApproval && reason != api::kApprovalRefused) continue;
    if (auto decided = DecideStep(client, run, step); !decided) return decided;
  }
  return {};
}

Result<void> LocalApprovals::DecideStep(kube::Client& client, const Json& run, const Json& step) {
  const Json& meta = run.at("metadata");
  const std::string name = step.value("name", "");
  const std::string message = step.value("message", "");
  const std::string uid = meta.value("uid", "");
  if (!decided_.insert({uid, name}).second) {
    if (step.value("reason", "") != api::kApprovalRefused) return {};
    return Invalid("step " + name + ": " + message);
  }
  api::Approval approval;
  approval.meta.name = meta.value("name", "") + "-" + name;
  approval.meta.namespace_ = kLocalNamespace;
  approval.spec.run = meta.value("name", "");
  approval.spec.run_uid = uid;
  approval.spec.step = name;
  const std::string user = session_.Env("USER");
  approval.spec.user = user.empty() ? "who runs it" : user;
  const auto step_of_run = read_step_(client, run, name);
  if (!step_of_run) return step_of_run.error();
  if (const auto given = given_.find(name); given != given_.end()) {
    auto values = ParseParameters(given->second, step_of_run->values);
    if (!values) return Wrap("--approve " + name, values.error());
    approval.spec.values = *std::move(values);
  } else if (session_.asks) {
    const std::string of = approval.spec.run;
    auto answer = Ask(name, message, step_of_run->values, [&] {
      return !session_.interrupted.stop_requested() && StillWaits(client, of, name);
    });
    if (!answer && answer.error().kind == ErrorKind::kCancelled) {
      session_.err << "\nstep " << name << ": no answer is needed any more\n" << std::flush;
      return {};
    }
    if (!answer) return answer.error();
    if (*answer)
      approval.spec.values = std::move(**answer);
    else
      approval.spec.decision = api::Decision::kReject;
  } else {
    return Invalid("step " + name + " waits for an approval, and nobody is here to give it: say " +
                   "--approve " + name);
  }
  auto made = client.Create(kube::kApprovals, kLocalNamespace, api::Encode(approval));
  if (!made) return Wrap("the approval of step " + name, made.error());
  return {};
}

Result<std::optional<std::map<std::string, Json>>> LocalApprovals::Ask(
    const std::string& step, const std::string& message,
    const std::vector<api::ParameterSpec>& values, const GoOn& go_on) const {
  session_.err << "\nstep " << step << ": " << message << "\n";
  const Result<std::string> yes = ReadLine("approve? [y/N] ", go_on);
  if (!yes) return yes.error();
  if (*yes != "y" && *yes != "Y" && *yes != "yes")
    return std::optional<std::map<std::string, Json>>();
  std::map<std::string, Json> given;
  for (std::size_t i = 0; i < values.size();) {
    const api::ParameterSpec& value = values[i];
    std::string prompt = value.name + " (" + Name(value.type);
    for (const Json& one : value.enum_values) prompt += ", " + CanonicalText(one);
    if (value.default_value) prompt += "; default " + CanonicalText(*value.default_value);
    const Result<std::string> text = ReadLine(prompt + "): ", go_on);
    if (!text) return text.error();
    ++i;
    if (text->empty()) continue;  // its default, or absent
    const auto parsed = ParseParameters({value.name + "=" + *text}, {value});
    if (parsed) {
      given[value.name] = parsed->at(value.name);
    } else {
      session_.err << parsed.error().message << "\n";
      --i;
    }
  }
  return std::optional(given);
}

Result<std::string> LocalApprovals::ReadLine(const std::string& prompt, const GoOn& go_on) const {
  session_.err << prompt << std::flush;
  if (session_.read_line) {
    auto typed = session_.read_line(go_on);
    if (typed) return Trimmed(*std::move(typed));
    if (typed.error().kind != ErrorKind::kNotFound) return typed;
    return Invalid("nobody answers whether to approve");
  }
  std::string line;
  if (!std::getline(session_.in, line)) return Invalid("nobody answers whether to approve");
  return Trimmed(line);
}

}  // namespace penstock::cli
