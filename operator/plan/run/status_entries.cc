#include "operator/plan/run/status_entries.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "operator/base/json.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {
namespace {

using api::StepPhase;

std::size_t Written(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace).size();
}

std::size_t SizeOf(const api::StepStatus& s) {
  std::size_t n = 220 + s.name.size() + s.reason.size() + Written(s.message) + s.cache_key.size() +
                  Written(s.cache_miss) + s.cached_from.size() + s.pod.size();
  for (const auto& o : s.outputs) n += 90 + o.name.size() + o.type.size() + o.digest.size();
  for (const auto& [name, print] : s.sources) n += 8 + name.size() + print.size();
  for (const auto& [name, value] : s.results) n += 8 + name.size() + Written(value);
  return n;
}

// Outputs and results of these are still to be used.
std::set<std::string> Needed(const RunObserved& o, const std::vector<StepState>& steps) {
  std::set<std::string> needed;
  for (const StepState& s : steps)
    if (s.kind != StepState::Kind::kFinal)
      for (const api::Dependency& d : s.step->depends_on) needed.insert(d.step);
  if (o.resolved != nullptr)
    for (const auto& [name, text] : o.resolved->outputs)
      if (auto t = ParseTemplate(text); t && t->Whole() != nullptr)
        needed.insert(t->Whole()->path[1]);
  return needed;
}

// Failed and unfinished first, then what is needed, then the rest; waiting ones that say nothing
// last.
int Rank(const StepState& s, const std::set<std::string>& needed) {
  if (s.status.phase == StepPhase::kFailed) return 0;
  if (s.kind == StepState::Kind::kLive || s.status.attempts > 0) {
    if (s.kind != StepState::Kind::kFinal) return 1;
  }
  if (s.status.phase == StepPhase::kPending) return 1;
  if (s.status.phase == StepPhase::kSucceeded) return needed.contains(s.status.name) ? 2 : 3;
  return s.status.phase == StepPhase::kWaiting ? 5 : 4;
}

}  // namespace

void PutEntries(const RunObserved& o, const std::vector<StepState>& steps, RunPlan& plan) {
  const auto needed = Needed(o, steps);
  std::vector<std::size_t> order(steps.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return Rank(steps[a], needed) < Rank(steps[b], needed);
  });
  std::size_t bytes = 0;
  std::size_t kept = 0;
  while (kept < order.size() && kept < kMaxStepEntries) {
    bytes += SizeOf(steps[order[kept]].status);
    if (bytes > kMaxEntryBytes && kept > 0) break;
    ++kept;
  }
  std::vector<std::size_t> entries(order.begin(),
                                   order.begin() + static_cast<std::ptrdiff_t>(kept));
  std::vector<std::size_t> cut(order.begin() + static_cast<std::ptrdiff_t>(kept), order.end());
  std::sort(entries.begin(), entries.end());
  std::sort(cut.begin(), cut.end());
  for (const std::size_t i : entries) plan.status.steps.push_back(steps[i].status);
  std::vector<std::size_t> succeeded, skipped;
  for (const std::size_t i : cut) {
    if (steps[i].status.phase == StepPhase::kSucceeded) succeeded.push_back(i);
    if (steps[i].status.phase == StepPhase::kSkipped) skipped.push_back(i);
  }
  plan.status.succeeded_indexes = FormatIndexes(succeeded);
  plan.status.skipped_indexes = FormatIndexes(skipped);
}

void PutOutputs(const RunObserved& o, const std::vector<StepState>& steps, RunPlan& plan) {
  if (o.resolved == nullptr) return;
  std::map<std::string, const StepState*> by_name;
  for (const StepState& s : steps) by_name[s.status.name] = &s;
  for (const auto& [name, text] : o.resolved->outputs) {
    const auto parsed = ParseTemplate(text);
    if (!parsed || parsed->Whole() == nullptr) continue;
    const auto it = by_name.find(parsed->Whole()->path[1]);
    if (it == by_name.end()) continue;
    for (const api::StepOutput& out : it->second->status.outputs)
      if (out.name == parsed->Whole()->path[3])
        plan.status.outputs.push_back(
            {name, out.type, out.digest, out.folder, out.bytes, o.run.meta.name});
  }
}

std::string FormatIndexes(const std::vector<std::size_t>& sorted) {
  std::string out;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i;
    while (end + 1 < sorted.size() && sorted[end + 1] == sorted[end] + 1) ++end;
    out += (out.empty() ? "" : ",") + std::to_string(sorted[i]);
    if (end > i) out += "-" + std::to_string(sorted[end]);
    i = end + 1;
  }
  return out;
}

std::vector<std::size_t> ParseIndexes(const std::string& text, std::size_t limit) {
  std::vector<std::size_t> out;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    std::size_t first = 0;
    auto [next, error] = std::from_chars(at, end, first);
    if (error != std::errc{}) break;
    std::size_t last = first;
    if (next < end && *next == '-') {
      const auto range = std::from_chars(next + 1, end, last);
      if (range.ec != std::errc{}) break;
      next = range.ptr;
    }
    for (std::size_t i = first; i <= last && i < limit; ++i) out.push_back(i);
    at = next < end && *next == ',' ? next + 1 : end;
  }
  return out;
}

}  // namespace penstock::plan
