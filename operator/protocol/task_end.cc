// How an attempt ended, as the launcher tells it: the receipt and the termination message.
#include <array>
#include <iterator>
#include <set>
#include <utility>

#include "operator/base/sha256.h"
#include "operator/protocol/task.h"
#include "operator/protocol/task_fields.h"

namespace penstock {
namespace {

constexpr std::array<std::pair<TaskOutcome, const char*>, 6> kOutcomes{{
    {TaskOutcome::kSucceeded, "Succeeded"},
    {TaskOutcome::kFailed, "Failed"},
    {TaskOutcome::kTimedOut, "TimedOut"},
    {TaskOutcome::kCancelled, "Cancelled"},
    {TaskOutcome::kInfrastructure, "Infrastructure"},
    {TaskOutcome::kInvalid, "Invalid"},
}};

void ReadReceipt(TaskFields& r, Receipt& out) {
  r.Get("protocol", out.protocol);
  CheckProtocol(r, out.protocol);
  r.Get("run", out.run);
  r.Get("runUid", out.run_uid);
  r.Get("step", out.step);
  r.Get("pod", out.pod);
  if (r.Has("itemIndex")) r.Get("itemIndex", out.item_index.emplace());
  r.Get("attempt", out.attempt);
  r.List("outputs", out.outputs, [](TaskFields& o, OutputRecord& rec) {
    o.Get("name", rec.name);
    o.Get("type", rec.type);
    ReadArtifactField(o, "artifact", rec.artifact);
    if (rec.artifact.digest.empty()) o.Fail("artifact", "is missing");
  });
  std::set<std::string> names;
  for (const OutputRecord& output : out.outputs) {
    if (!names.insert(output.name).second)
      r.Fail("outputs", "holds '" + output.name.substr(0, 80) + "' twice");
  }
  r.Get("results", out.results);
  if (!out.results.is_object()) r.Fail("results", "must be an object");
  std::size_t bytes = 0;
  for (const Json& value : out.results)
    bytes += value.dump(-1, ' ', false, Json::error_handler_t::replace).size();
  if (bytes > kMaxResultsBytes)
    r.Fail("results", "has more than 64 KiB; what is larger is an output");
  r.Get("inputFingerprints", out.input_fingerprints);
  r.Get("inputDigests", out.input_digests);
  r.Get("notReusable", out.not_reusable);
  r.Get("startedMs", out.started_ms);
  r.Get("finishedMs", out.finished_ms);
}

}  // namespace

const char* Name(TaskOutcome outcome) {
  for (const auto& [o, name] : kOutcomes)
    if (o == outcome) return name;
  return "Unknown";
}

void to_json(Json& j, const Receipt& r) {
  j = Json{{"protocol", r.protocol},
           {"runUid", r.run_uid},
           {"step", r.step},
           {"pod", r.pod},
           {"attempt", r.attempt},
           {"results", r.results},
           {"startedMs", r.started_ms},
           {"finishedMs", r.finished_ms}};
  for (const auto& o : r.outputs)
    j["outputs"].push_back({{"name", o.name}, {"type", o.type}, {"artifact", o.artifact}});
  if (r.item_index) j["itemIndex"] = *r.item_index;
  if (!r.run.empty()) j["run"] = r.run;
  if (!r.input_fingerprints.empty()) j["inputFingerprints"] = r.input_fingerprints;
  if (!r.input_digests.empty()) j["inputDigests"] = r.input_digests;
  if (!r.not_reusable.empty()) j["notReusable"] = r.not_reusable;
}

void to_json(Json& j, const TerminationMessage& m) {
  j = Json{{"protocol", m.protocol}, {"outcome", Name(m.outcome)}, {"exitCode", m.exit_code}};
  if (!m.message.empty()) j["message"] = m.message;
  if (m.oom_killed) j["oomKilled"] = true;
  if (m.no_space) j["noSpace"] = true;
  if (!m.last_words.empty()) j["lastWords"] = m.last_words;
  if (!m.damaged.empty()) j["damaged"] = m.damaged;
  if (!m.results.empty()) j["results"] = m.results;
  if (m.receipt) j["receipt"] = *m.receipt;
}

Result<Receipt> ParseReceipt(const std::string& text) {
  if (text.size() > kMaxReceiptBytes) return Invalid("the receipt is over 256 KiB");
  auto j = ParseJson(text, "the receipt");
  if (!j) return j.error();
  TaskFields r(*j, "receipt.");
  Receipt out;
  ReadReceipt(r, out);
  if (!r.error().empty()) return Invalid(r.error());
  return out;
}

Result<TerminationMessage> ParseTerminationMessage(const std::string& text) {
  if (text.size() > kMaxTerminationMessage)
    return Invalid("the termination message is over 4096 bytes");
  auto j = ParseJson(text, "the termination message");
  if (!j) return j.error();
  TaskFields r(*j, "message.");
  TerminationMessage m;
  r.Get("protocol", m.protocol);
  CheckProtocol(r, m.protocol);
  std::string outcome;
  r.Get("outcome", outcome);
  bool known = false;
  for (const auto& [o, name] : kOutcomes)
    if (outcome == name) {
      m.outcome = o;
      known = true;
    }
  if (!known) r.Fail("outcome", "is '" + outcome.substr(0, 40) + "', which is no outcome");
  r.Get("exitCode", m.exit_code);
  r.Get("message", m.message);
  r.Get("oomKilled", m.oom_killed);
  r.Get("noSpace", m.no_space);
  r.Get("lastWords", m.last_words);
  r.Get("damaged", m.damaged);
  if (!m.damaged.empty() && !IsDigest(m.damaged)) r.Fail("damaged", "is no digest");
  r.Get("results", m.results);
  if (!m.results.is_object()) r.Fail("results", "must be an object");
  if (r.Has("receipt")) {
    TaskFields inner(r.At("receipt"), "message.receipt.");
    Receipt receipt;
    ReadReceipt(inner, receipt);
    if (!inner.error().empty()) r.Fail("", inner.error());
    m.receipt = std::move(receipt);
  }
  if (!r.error().empty()) return Invalid(r.error());
  return m;
}

std::string FormatTerminationMessage(TerminationMessage m, std::size_t limit) {
  const auto text = [&] { return Json(m).dump(-1, ' ', true, Json::error_handler_t::replace); };
  std::string out = text();
  if (out.size() > limit) {
    m.receipt.reset();
    out = text();
  }
  while (out.size() > limit && !m.results.empty()) {
    m.results.erase(std::prev(m.results.end()));
    out = text();
  }
  while (out.size() > limit && !(m.message.empty() && m.last_words.empty())) {
    if (m.message.size() > m.last_words.size())
      m.message.resize(m.message.size() / 2);
    else
      m.last_words.erase(0, (m.last_words.size() + 1) / 2);
    out = text();
  }
  return out;
}

int LauncherExitCode(const TerminationMessage& m) {
  switch (m.outcome) {
    case TaskOutcome::kSucceeded:
      return 0;
    case TaskOutcome::kFailed:
      return m.exit_code == 0 ? 1 : m.exit_code;
    case TaskOutcome::kTimedOut:
      return 124;
    case TaskOutcome::kInfrastructure:
      return 125;
    case TaskOutcome::kInvalid:
      return 126;
    case TaskOutcome::kCancelled:
      return 143;
  }
  return 125;
}

}  // namespace penstock
