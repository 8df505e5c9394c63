// The story of a run as `penstock describe` prints it.
#include "operator/cli/history/story_text.h"

#include <set>

#include "operator/base/json.h"
#include "operator/cli/history/difference_text.h"
#include "operator/cli/objects/table.h"
#include "operator/plan/step/step_state.h"

namespace penstock::cli {
namespace {

std::string Text(const Json& told, const char* key) {
  const auto it = told.find(key);
  return it != told.end() && it->is_string() ? OneLine(it->get<std::string>()) : "";
}

std::optional<TimePoint> Time(const Json& told, const char* key) {
  const Result<TimePoint> time = ParseTime(Text(told, key));
  return time ? std::optional(*time) : std::nullopt;
}

std::string Took(const Json& told, TimePoint now) {
  const auto start = Time(told, "startTime");
  if (!start) return "";
  const TimePoint end = Time(told, "finishTime").value_or(now);
  return HumanDuration(std::chrono::duration_cast<Milliseconds>(end - *start));
}

// "key   value" with the values below one another; nothing for an empty value.
std::string Field(const std::string& key, const std::string& value) {
  if (value.empty()) return "";
  return key + ":" + std::string(key.size() < 11 ? 11 - key.size() : 1, ' ') + value + "\n";
}

// An indented table without a header.
std::string Rows(const std::string& indent, const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return "";
  std::string lines = Format({std::vector<std::string>(rows[0].size()), rows}, 1000, false), text;
  for (std::size_t at = 0; at < lines.size();) {
    const std::size_t end = lines.find('\n', at);
    text += indent + lines.substr(at, end - at + 1);
    at = end + 1;
  }
  return text;
}

std::string Whole(const Json& value) {
  return OneLine(value.is_string() ? value.get<std::string>() : value.dump());
}

std::string Source(const Json& input) {
  const std::string uri = Text(input, "uri"), from = Text(input, "from");
  if (!uri.empty()) {
    const std::string print = Text(input, "fingerprint");
    return uri + (print.empty() ? "" : " (" + print + ")");
  }
  return ShortValue(input.value("digest", Json())) + (from.empty() ? "" : " of " + from);
}

std::string CacheLines(const Json& step) {
  if (step.value("cached", false)) {
    const std::string maker = Text(step, "cachedFrom");
    return "    Cache:   " +
           std::string(Text(step, "reason") == plan::kTaken ? "not asked: as a former run has it; "
                                                            : "taken from it; ") +
           (maker.empty() ? "the run that made it is gone" : "made by " + maker) +
           (maker.empty() || step.value("cachedFromIsKept", true) ? "" : ", which is gone") + "\n";
  }
  if (!step.contains("cacheMiss")) return "";
  const std::string miss = Text(step, "cacheMiss"), meaning = CacheMeaning(miss);
  std::string text = "    Cache:   not taken";
  if (!miss.empty()) text += ": " + miss + (meaning.empty() ? "" : ", " + meaning);
  text += "\n";
  const std::string before = Text(step, "comparedWith");
  if (before.empty()) return text + "             no run before has made this step\n";
  if (const std::string said = Text(step, "comparedWithSays"); !said.empty() && said != miss) {
    text += "             what " + before + " made was not kept: " + said + "\n";
  }
  const Json& differences = step.at("differences");
  if (differences.is_null()) {
    return text + "             what it or " + before + " was made of is not kept\n";
  }
  if (differences.empty()) return text + "             the same went into it in " + before + "\n";
  text += "             since " + before + ":\n";
  for (const Json& d : differences) {
    text += "               " + Describe(Difference{d["what"], d["before"], d["after"]}) + "\n";
  }
  return text;
}

constexpr std::size_t kMaxItemRuns = 20;  // of a step

// How its items ended; of a loop over a Pipeline also their runs: those that have not succeeded
// first.
std::string ItemLines(const Json& step) {
  if (!step.contains("items")) return "";
  const Json& items = step.at("items");
  std::string text = "    Items:   " + std::to_string(items.value("total", 0));
  for (const char* end : {"succeeded", "failed", "skipped"})
    if (const std::string indexes = Text(items, end); !indexes.empty())
      text += std::string(", ") + end + " " + indexes;
  if (const int running = items.value("running", 0); running > 0)
    text += ", " + std::to_string(running) + " at work";
  text += "\n";
  if (!items.contains("runs")) return text;
  std::vector<std::vector<std::string>> rows, well;
  for (const Json& run : items.at("runs")) {
    auto& into = Text(run, "status") == "Succeeded" ? well : rows;
    into.push_back({std::to_string(run.value("item", 0)), Text(run, "status"), Text(run, "run")});
  }
  rows.insert(rows.end(), well.begin(), well.end());
  const std::size_t more = rows.size() > kMaxItemRuns ? rows.size() - kMaxItemRuns : 0;
  rows.resize(rows.size() - more);
  text += Rows("      ", rows);
  return more == 0 ? text : text + "      and " + std::to_string(more) + " more\n";
}

std::string StepText(const Json& step, TimePoint now) {
  std::string text = "  " + Text(step, "name") + "\n    Phase:   " + Text(step, "phase");
  const std::string took = Took(step, now), reason = Text(step, "reason");
  if (!reason.empty()) text += " (" + reason + ")";
  if (!took.empty() && !step.value("cached", false)) text += " after " + took;
  if (step.value("attempts", 0) > 1) {
    text += ", attempt " + std::to_string(step.value("attempts", 0));
  }
  text += "\n";
  if (!Text(step, "run").empty()) text += "    Run:     " + Text(step, "run") + "\n";
  text += ItemLines(step);
  if (!Text(step, "message").empty()) text += "    Message: " + Text(step, "message") + "\n";
  text += CacheLines(step);
  std::vector<std::vector<std::string>> rows;
  for (const Json& input : step.at("inputs")) {
    rows.push_back({Text(input, "name"), Source(input)});
  }
  if (!rows.empty()) text += "    Inputs:\n" + Rows("      ", rows);
  rows.clear();
  for (const Json& output : step.at("outputs")) {
    rows.push_back({Text(output, "name"), Text(output, "digest"),
                    HumanBytes(output.value("bytes", std::uint64_t{0}))});
  }
  if (!rows.empty()) text += "    Outputs:\n" + Rows("      ", rows);
  rows.clear();
  for (const auto& [name, value] : step.at("results").items()) rows.push_back({name, Whole(value)});
  if (!rows.empty()) text += "    Results:\n" + Rows("      ", rows);
  return text;
}

std::string OutputText(const Json& output) {
  std::string text = "  " + Text(output, "name") + "   " + Text(output, "digest") + "   " +
                     HumanBytes(output.value("bytes", std::uint64_t{0})) + "\n";
  std::vector<std::vector<std::string>> rows;
  for (const Json& made : output.at("lineage")) {
    std::string inputs;
    for (const Json& input : made.at("inputs")) {
      inputs += (inputs.empty() ? "<- " : ", ") + Source(input);
    }
    rows.push_back({Text(made, "step"), inputs});
  }
  return text + Rows("    ", rows);
}

}  // namespace

std::string StoryText(const Json& story, TimePoint now) {
  std::string text = Field("Name", Text(story, "run"));
  text += Field("Namespace", Text(story, "namespace"));
  text += Field("Pipeline", Text(story, "pipeline"));
  const std::string message = Text(story, "message");
  text += Field("Status", Text(story, "status") + (message.empty() ? "" : ": " + message));
  text += Field("Created", Text(story, "created"));
  text += Field("Duration", Took(story, now));
  if (!story.value("publish", true)) text += Field("Publishes", "nothing: publish is false");
  if (story.contains("blessed")) {
    const Json& blessed = story["blessed"];
    text += Field("Blessed", Text(blessed, "status") + " (" + Text(blessed, "reason") +
                                 "): " + Text(blessed, "message"));
  }
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, value] : story.at("parameters").items()) {
    rows.push_back({name, Whole(value)});
  }
  if (!rows.empty()) text += "Parameters:\n" + Rows("  ", rows);
  text += "Steps:\n";
  for (const Json& step : story.at("steps")) text += StepText(step, now);
  if (!story.at("outputs").empty()) text += "Outputs:\n";
  for (const Json& output : story.at("outputs")) text += OutputText(output);
  rows.clear();
  for (const auto& [name, value] : story.at("results").items())
    rows.push_back({name, Whole(value)});
  if (!rows.empty()) text += "Results:\n" + Rows("  ", rows);
  return text;
}

}  // namespace penstock::cli
