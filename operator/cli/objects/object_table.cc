#include "operator/cli/objects/object_table.h"

#include <algorithm>
#include <functional>

#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::cli {
namespace {

using views::FindCondition;
using views::ObjectAt;
using views::ShownAt;

std::string OrDash(const std::string& text) { return text.empty() ? "-" : text; }

std::optional<TimePoint> Time(const Json& parent, const char* key) {
  const Result<TimePoint> time = ParseTime(ShownAt(parent, key));
  return time ? std::optional(*time) : std::nullopt;
}

std::string Age(const Json& object, TimePoint now) {
  const auto created = Time(ObjectAt(object, "metadata"), "creationTimestamp");
  if (!created) return "<unknown>";
  return HumanDuration(std::chrono::duration_cast<Milliseconds>(now - *created));
}

std::string Took(const Json& status, TimePoint now) {
  const auto start = Time(status, "startTime");
  if (!start) return "-";
  const TimePoint end = Time(status, "finishTime").value_or(now);
  return HumanDuration(std::chrono::duration_cast<Milliseconds>(end - *start));
}

// Why an object is as it is: the first condition that says something worth reading.
std::string Why(const Json& object) {
  for (const char* type : {"Stalled", "Succeeded", "Ready"}) {
    const Json* condition = FindCondition(object, type);
    if (condition == nullptr) continue;
    const bool bad = std::string_view(type) == "Stalled" ? ShownAt(*condition, "status") == "True"
                                                         : ShownAt(*condition, "status") != "True";
    if (bad) return OneLine(ShownAt(*condition, "message"));
  }
  return "";
}

// A column: its header, its cell for an object, and whether only -o wide shows it.
struct Column {
  const char* header;
  std::function<std::string(const Json&, TimePoint)> cell;
  bool wide = false;
};

std::string Steps(const Json& run, TimePoint /*now*/) {
  const Json& summary = ObjectAt(ObjectAt(run, "status"), "summary");
  if (summary.empty()) return "-";
  return std::to_string(summary.value("succeeded", 0)) + "/" +
         std::to_string(summary.value("total", 0));
}

// "each.3": of a run within another the step, and the item of a looped one.
std::string StepOfParent(const Json& run) {
  if (ParentRun(run).empty()) return "";
  const Json& labels = ObjectAt(ObjectAt(run, "metadata"), "labels");
  const std::string item = ShownAt(labels, "penstock.dev/item");
  return ShownAt(labels, "penstock.dev/step") + (item.empty() ? "" : "." + item);
}

std::vector<Column> ColumnsOf(const kube::ResourceType& type) {
  const Column why{"MESSAGE", [](const Json& o, TimePoint) { return OrDash(Why(o)); }, true};
  const auto status_of = [](const char* condition) {
    return [condition](const Json& o, TimePoint) { return OrDash(ConditionStatus(o, condition)); };
  };
  const Column ready{"READY", status_of("Ready")};
  if (type == kube::kPipelines) {
    return {ready,
            {"ACTIVE",
             [](const Json& o, TimePoint) {
               return std::to_string(ObjectAt(o, "status").value("activeRuns", 0));
             }},
            {"LAST-RUN",
             [](const Json& o, TimePoint) {
               const Json& last = ObjectAt(ObjectAt(o, "status"), "lastRun");
               const std::string outcome = ShownAt(last, "outcome");
               return last.empty() ? "-" : outcome.empty() ? "Running" : outcome;
             }},
            {"NEXT",
             [](const Json& o, TimePoint) {
               return OrDash(ShownAt(ObjectAt(o, "status"), "nextScheduleTime"));
             }},
            {"FRESH", status_of("Fresh"), true},
            {"RUN",
             [](const Json& o, TimePoint) {
               return OrDash(ShownAt(ObjectAt(ObjectAt(o, "status"), "lastRun"), "name"));
             },
             true},
            why};
  }
  if (type == kube::kPipelineRuns) {
    return {
        {"PIPELINE",
         [](const Json& o, TimePoint) {
           return OrDash(ShownAt(ObjectAt(ObjectAt(o, "spec"), "pipelineRef"), "name"));
         },
         true},
        {"STATUS", [](const Json& o, TimePoint) { return RunWord(o); }},
        {"STEP", [](const Json& o,
                    TimePoint) { return OrDash(ShownAt(ObjectAt(o, "status"), "trouble")); }},
        {"DONE", Steps},
        {"CACHED",
         [](const Json& o, TimePoint) {
           return std::to_string(ObjectAt(ObjectAt(o, "status"), "summary").value("cached", 0));
         },
         true},
        {"CAUSE",
         [](const Json& o, TimePoint) {
           return OrDash(
               ShownAt(ObjectAt(ObjectAt(o, "metadata"), "labels"), "penstock.dev/cause"));
         },
         true},
        {"BLESSED", status_of("Blessed")},
        {"PARENT", [](const Json& o, TimePoint) { return OrDash(ParentRun(o)); }, true},
        {"OF", [](const Json& o, TimePoint) { return OrDash(StepOfParent(o)); }, true},
        {"DURATION", [](const Json& o, TimePoint now) { return Took(ObjectAt(o, "status"), now); }},
        why};
  }
  if (type == kube::kComponents) {
    return {{"COMPONENT",
             [](const Json& o, TimePoint) { return ShownAt(ObjectAt(o, "spec"), "name"); }},
            {"VERSION",
             [](const Json& o, TimePoint) { return ShownAt(ObjectAt(o, "spec"), "version"); }},
            {"LIBRARY",
             [](const Json& o, TimePoint) {
               const Json& labels = ObjectAt(ObjectAt(o, "metadata"), "labels");
               return labels.value("penstock.dev/library", "") == "true" ? "true" : "false";
             }},
            {"DESCRIPTION",
             [](const Json& o, TimePoint) {
               return OrDash(ShownAt(ObjectAt(o, "spec"), "description"));
             },
             true}};
  }
  if (type == kube::kApprovals) {
    const auto spec = [](const char* field) {
      return [field](const Json& o, TimePoint) { return ShownAt(ObjectAt(o, "spec"), field); };
    };
    const auto of = [](const Json& o, TimePoint) {  // a run, or the model of a rollout
      const Json& s = ObjectAt(o, "spec");
      const std::string run = ShownAt(ObjectAt(s, "run"), "name");
      return run.empty() ? ShownAt(ObjectAt(s, "modelDeployment"), "name") : run;
    };
    return {
        {"RUN", of},
        {"STEP", spec("step")},
        {"DECISION", spec("decision")},
        {"BY",
         [](const Json& o, TimePoint) {
           return ShownAt(ObjectAt(ObjectAt(o, "spec"), "approver"), "user");
         }},
        {"COMMENT",
         [](const Json& o, TimePoint) { return OrDash(ShownAt(ObjectAt(o, "spec"), "comment")); },
         true}};
  }
  const auto version = [](const char* which) {
    return [which](const Json& o, TimePoint) {
      const Json& entry = ObjectAt(ObjectAt(o, "status"), which);
      return entry.empty() ? "-" : "v" + ShownAt(entry, "version");
    };
  };
  return {ready,
          {"AVAILABLE", status_of("Available")},
          {"STABLE", version("stable")},
          {"CANDIDATE", version("candidate")},
          {"URL",
           [](const Json& o, TimePoint) { return OrDash(ShownAt(ObjectAt(o, "status"), "url")); },
           true},
          why};
}

std::string OutputsText(const Json& step) {
  std::string text;
  for (const Json& output : step.value("outputs", Json::array())) {
    const std::string digest = ShownAt(output, "digest");
    text += (text.empty() ? "" : ", ") + ShownAt(output, "name") + " " +
            digest.substr(digest.starts_with("sha256:") ? 7 : 0, 8) + " (" +
            HumanBytes(output.value("bytes", std::uint64_t{0})) + ")";
  }
  return text;
}

std::string StepDuration(const Json& step, TimePoint now) {
  const auto start = Time(step, "startTime");
  if (!start || step.value("cached", false)) return "-";
  const TimePoint end = Time(step, "finishTime").value_or(now);
  return HumanDuration(std::chrono::duration_cast<Milliseconds>(end - *start));
}

// What is worth saying of a step: why it waits or failed, else what it gave.
std::string StepNews(const Json& step) {
  const std::string phase = ShownAt(step, "phase");
  const std::string message = OneLine(ShownAt(step, "message"));
  const std::string reason = ShownAt(step, "reason");
  if (phase != "Succeeded" && (!message.empty() || !reason.empty())) {
    return reason + (reason.empty() || message.empty() ? "" : ": ") + message;
  }
  return OutputsText(step);
}

}  // namespace

Result<std::vector<kube::ResourceType>> KindsOf(const std::string& word) {
  struct Entry {
    kube::ResourceType type;
    std::vector<std::string_view> words;
  };
  static const std::vector<Entry> kEntries = {
      {kube::kPipelines, {"pipelines", "pipeline", "ppl"}},
      {kube::kPipelineRuns, {"runs", "run", "pipelineruns", "pipelinerun", "pplr"}},
      {kube::kModelDeployments, {"models", "model", "modeldeployments", "modeldeployment", "pmd"}},
      {kube::kComponents, {"components", "component", "pcmp"}},
      {kube::kApprovals, {"approvals", "approval", "pappr"}},
  };
  std::vector<kube::ResourceType> types;
  for (const Entry& entry : kEntries) {
    const bool named = std::find(entry.words.begin(), entry.words.end(), word) != entry.words.end();
    const bool all = (word == "all" || word == "penstock") && entry.type != kube::kApprovals;
    if (all || named) types.push_back(entry.type);
  }
  if (types.empty()) {
    return Invalid("kind \"" + word +
                   "\" is not known; choose pipelines, runs, components, models, approvals or all");
  }
  return types;
}

Table TableOf(const kube::ResourceType& type, const std::vector<Json>& objects,
              const TableOptions& options, TimePoint now) {
  const std::vector<Column> columns = ColumnsOf(type);
  Table table;
  if (options.namespaces) table.header.push_back("NAMESPACE");
  table.header.push_back("NAME");
  for (const Column& column : columns) {
    if (!column.wide || options.wide) table.header.push_back(column.header);
  }
  table.header.push_back("AGE");
  for (const Json& object : objects) {
    std::vector<std::string>& row = table.rows.emplace_back();
    const Json& meta = ObjectAt(object, "metadata");
    if (options.namespaces) row.push_back(ShownAt(meta, "namespace"));
    row.push_back(ShownAt(meta, "name"));
    for (const Column& column : columns) {
      if (!column.wide || options.wide) row.push_back(column.cell(object, now));
    }
    row.push_back(Age(object, now));
  }
  return table;
}

std::string ToNames(const kube::ResourceType& type, const std::vector<Json>& objects) {
  std::string kind(type.kind);
  std::transform(kind.begin(), kind.end(), kind.begin(), ::tolower);
  if (!type.group.empty()) kind += "." + std::string(type.group);
  std::string names;
  for (const Json& object : objects) {
    names += kind + "/" + ShownAt(ObjectAt(object, "metadata"), "name") + "\n";
  }
  return names;
}

Table StepTable(const Json& run, bool wide, std::size_t width, TimePoint now) {
  Table table;
  table.header = {"STEP", "PHASE", "CACHED", "DURATION"};
  if (wide) table.header.insert(table.header.end(), {"ATTEMPTS", "POD"});
  table.header.push_back("OUTPUTS");
  for (const Json& step : ObjectAt(run, "status").value("steps", Json::array())) {
    std::vector<std::string> row = {ShownAt(step, "name"), ShownAt(step, "phase"),
                                    step.value("cached", false) ? "yes" : "no",
                                    StepDuration(step, now)};
    if (wide) {
      row.push_back(std::to_string(step.value("attempts", 0)));
      row.push_back(OrDash(ShownAt(step, "pod")));
    }
    row.push_back(OrDash(StepNews(step)));
    table.rows.push_back(std::move(row));
  }
  if (wide) return table;
  std::size_t before = 0;  // columns taken by all but the last
  for (std::size_t i = 0; i + 1 < table.header.size(); ++i) {
    std::size_t widest = table.header[i].size();
    for (const auto& row : table.rows) widest = std::max(widest, Columns(row[i]));
    before += widest + 3;
  }
  for (auto& row : table.rows) {
    row.back() = Elide(row.back(), width > before + 20 ? width - before : 20);
  }
  return table;
}

}  // namespace penstock::cli
