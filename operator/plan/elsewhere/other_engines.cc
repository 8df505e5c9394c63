#include "operator/plan/elsewhere/other_engines.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <string_view>
#include <vector>

namespace penstock::plan {
namespace {

using Parts = std::vector<std::string>;

constexpr std::size_t kLongestWord = 256;  // between the braces

// A word of another engine, part by part, and what is written here; '*' is any name, and "%1" the
// first of these. "+" at the end: whatever follows, kept as fields.
struct Word {
  std::string_view theirs;
  std::string_view ours;
};

constexpr std::array kBraces{
    // Argo
    Word{"inputs.parameters.*", "$(parameters.%1)"},
    Word{"workflow.parameters.*", "$(parameters.%1)"},
    Word{"inputs.artifacts.*.path", "$(inputs.%1.path)"},
    Word{"outputs.artifacts.*.path", "$(outputs.%1.path)"},
    Word{"outputs.parameters.*.path", "$(results.%1.path)"},
    Word{"steps.*.outputs.result", "a result of step %1: $(steps.%1.results.NAME)"},
    Word{"tasks.*.outputs.result", "a result of step %1: $(steps.%1.results.NAME)"},
    Word{"steps.*.outputs.parameters.*", "$(steps.%1.results.%2)"},
    Word{"tasks.*.outputs.parameters.*", "$(steps.%1.results.%2)"},
    Word{"steps.*.outputs.artifacts.*", "$(steps.%1.outputs.%2)"},
    Word{"tasks.*.outputs.artifacts.*", "$(steps.%1.outputs.%2)"},
    Word{"steps.*.status", "$(steps.%1.status)"},
    Word{"tasks.*.status", "$(steps.%1.status)"},
    Word{"steps.*.exitCode", "$(steps.%1.exitCode)"},
    Word{"tasks.*.exitCode", "$(steps.%1.exitCode)"},
    Word{"steps.*.ip", "$(steps.%1.address)"},
    Word{"tasks.*.ip", "$(steps.%1.address)"},
    Word{"item", "$(each.value), of a step with forEach"},
    Word{"item.*", "$(each.value.%1), of a step with forEach"},
    Word{"workflow.name", "$(run.name)"},
    Word{"workflow.namespace", "$(run.namespace)"},
    Word{"workflow.uid", "$(run.uid)"},
    Word{"workflow.status", "$(run.status), in finally"},
    Word{"workflow.failures", "$(run.failures), in finally"},
    Word{"workflow.duration", "$(run.duration), in finally"},
    Word{"workflow.scheduledTime", "$(run.scheduledTime)"},
    Word{"workflow.creationTimestamp", "$(run.creationTime)"},
    Word{"pod.name", "env: [{name: POD, valueFrom: {fieldRef: {fieldPath: metadata.name}}}]"},
    Word{"inputs", ""},
    Word{"outputs", ""},
    Word{"workflow", ""},
    Word{"steps", ""},
    Word{"tasks", ""},
    Word{"retries", ""},
    Word{"lastRetry", ""},
    // Airflow
    Word{"ds", "$(run.scheduledTime)"},
    Word{"ts", "$(run.scheduledTime)"},
    Word{"logical_date", "$(run.scheduledTime)"},
    Word{"execution_date", "$(run.scheduledTime)"},
    Word{"data_interval_end", "$(run.scheduledTime)"},
    Word{"run_id", "$(run.name)"},
    Word{"params.*", "$(parameters.%1)"},
    Word{"dag_run", ""},
    Word{"ti", ""},
    Word{"task_instance", ""},
    Word{"macros", ""},
    // Kubeflow's placeholders
    Word{"$.inputs.parameters.*", "$(parameters.%1)"},
    Word{"$.inputs.artifacts.*.path", "$(inputs.%1.path)"},
    Word{"$.inputs.artifacts.*.uri", "$(inputs.%1.path)"},
    Word{"$.outputs.artifacts.*.path", "$(outputs.%1.path)"},
    Word{"$.outputs.artifacts.*.uri", "$(outputs.%1.path)"},
    Word{"$.outputs.parameters.*.output_file", "$(results.%1.path)"},
    Word{"$.pipeline_job_name", "$(run.name)"},
    Word{"$.pipeline_job_uuid", "$(run.uid)"},
    Word{"$", ""},
};

constexpr std::array kTekton{
    Word{"params.*", "$(parameters.%1)"},
    Word{"inputs.params.*", "$(parameters.%1)"},
    Word{"tasks.*.results.*", "$(steps.%1.results.%2)"},
    Word{"tasks.*.status", "$(steps.%1.status)"},
    Word{"tasks.status", "$(run.status)"},
    Word{"context.pipelineRun.name", "$(run.name)"},
    Word{"context.pipelineRun.namespace", "$(run.namespace)"},
    Word{"context.pipelineRun.uid", "$(run.uid)"},
    Word{"context.pipeline.name", "$(run.pipeline)"},
    Word{"context.taskRun.name", "$(run.name)"},
    Word{"context.task.name", "$(step.name)"},
    Word{"workspaces.*.path", "the mountPath of a volume (volumes and volumeMounts)"},
};

Parts PartsOf(std::string_view word) {
  Parts parts;
  while (!word.empty()) {
    const auto dot = word.find('.');
    parts.emplace_back(word.substr(0, dot));
    word.remove_prefix(dot == std::string_view::npos ? word.size() : dot + 1);
  }
  return parts;
}

// The names that '*' stands for. A word without more is met by all that begin with it.
std::optional<Parts> Match(const Word& word, const Parts& parts) {
  const Parts pattern = PartsOf(word.theirs);
  if (parts.size() < pattern.size()) return std::nullopt;
  if (!word.ours.empty() && parts.size() != pattern.size()) return std::nullopt;
  Parts names;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == "*")
      names.push_back(parts[i]);
    else if (pattern[i] != parts[i])
      return std::nullopt;
  }
  return names;
}

template <std::size_t n>
const Word* Find(const std::array<Word, n>& words, const Parts& parts, std::string& ours) {
  for (const Word& word : words) {
    const auto names = Match(word, parts);
    if (!names) continue;
    ours = word.ours;
    for (std::size_t i = 0; i < names->size(); ++i) {
      const std::string place = "%" + std::to_string(i + 1);
      for (auto at = ours.find(place); at != std::string::npos; at = ours.find(place))
        ours.replace(at, place.size(), (*names)[i]);
    }
    return &word;
  }
  return nullptr;
}

// "$.inputs.parameters['x']" as "$.inputs.parameters.x", without spaces around.
std::string Normal(std::string_view inner) {
  std::string out;
  for (const char c : inner) {
    if (c == ']' || c == '\'' || c == '"' || c == ' ') continue;
    out += c == '[' ? '.' : c;
  }
  return out;
}

bool IsName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-' || c == '.' || c == '$';
  });
}

}  // namespace

std::optional<std::string> BracesOfOthers(const std::string& text) {
  for (auto open = text.find("{{"); open != std::string::npos; open = text.find("{{", open + 2)) {
    // Words are short: 64 KiB of braces are not searched to their end from each of them.
    const std::string_view near = std::string_view(text).substr(open + 2, kLongestWord);
    const auto close = near.find("}}");
    if (close == std::string_view::npos) continue;
    std::string_view inner = near.substr(0, close);
    const bool computed = inner.starts_with('=');  // Argo: an expression
    if (computed) inner.remove_prefix(1);
    const std::string name = Normal(inner.substr(0, inner.find_first_of("|(")));
    std::string ours;
    if (!IsName(name) || Find(kBraces, PartsOf(name), ours) == nullptr) continue;
    const std::string word = text.substr(open, std::min<std::size_t>(close + 4, 80));
    return word + " stays as it is: " +
           (ours.empty() || computed ? "values are put in for $(...), as in $(parameters.x)"
                                     : "here it is " + ours);
  }
  return std::nullopt;
}

std::string WordOfTekton(const Reference& r) {
  std::string ours;
  static_cast<void>(Find(kTekton, r.path, ours));
  if (r.all && ours.ends_with(')')) ours.insert(ours.size() - 1, "[*]");
  return ours;
}

}  // namespace penstock::plan
