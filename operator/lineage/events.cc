#include "operator/lineage/events.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "operator/base/sha256.h"
#include "operator/base/version.h"

namespace penstock::lineage {
namespace {

constexpr const char* kSpec = "https://openlineage.io/spec/";
constexpr const char* kComplete = "COMPLETE";
constexpr const char* kFail = "FAIL";
constexpr const char* kAbort = "ABORT";

std::string Producer() { return std::string("https://penstock.dev/operator/") + PenstockVersion(); }

Json Facet(const std::string& schema, Json fields) {
  fields["_producer"] = Producer();
  fields["_schemaURL"] = kSpec + ("facets/" + schema);
  return fields;
}

const char* EndOf(const std::string& outcome) {
  if (outcome == "Succeeded") return kComplete;
  return outcome == "Cancelled" ? kAbort : kFail;
}

// "https://host/path?..." is "/path" of "https://host" (as the spec names datasets), and a table is
// what its folder is, whatever of it is read.
std::pair<std::string, std::string> NameOfUri(const std::string& whole) {
  const bool table = whole.starts_with("delta+") || whole.starts_with("iceberg+");
  const std::string uri =
      table ? whole.substr(whole.find('+') + 1, whole.find('?') - whole.find('+') - 1) : whole;
  const std::size_t colon = uri.find("://");
  if (colon == std::string::npos) return {"penstock", uri};
  const std::size_t slash = uri.find('/', colon + 3);
  if (slash == std::string::npos) return {uri, "/"};
  std::string space = uri.substr(0, slash);
  if (space == "file://") space = "file";
  const bool bucket = space.starts_with("s3://") || space.starts_with("gs://") ||
                      space.starts_with("az://") || space.starts_with("abfss://");
  std::string name = uri.substr(slash + (bucket ? 1 : 0));
  // A file's name may have a ?; a pattern of spans of time goes before one.
  const bool spans = name.find('{') < name.find('?');
  if (space != "file" || spans) name = name.substr(0, name.find('?'));
  return {space, name.empty() ? "/" : name};
}

// An UUID of one's own making (version 8; RFC 9562, section 5.8).
std::string UuidOf(const std::string& text) {
  std::string hex = Sha256Hex(text).substr(0, 32);
  hex[12] = '8';
  hex[16] = "89ab"[std::string("0123456789abcdef").find(hex[16]) % 4];
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" +
         hex.substr(16, 4) + "-" + hex.substr(20);
}

bool IsUuid(const std::string& text) {
  static const std::string kForm = "00000000-0000-0000-0000-000000000000";
  return std::equal(text.begin(), text.end(), kForm.begin(), kForm.end(), [](char c, char form) {
    return form == '-' ? c == '-' : std::isxdigit(static_cast<unsigned char>(c)) != 0;
  });
}

class Teller {
 public:
  Teller(const metadata::RunRecord& run, const MadeBy& made_by) : run_(run), made_by_(made_by) {
    for (const metadata::StepRecord& step : run.steps)
      for (const metadata::ArtifactUse& output : step.outputs)
        made_.emplace(output.digest, OutputName(step.name, output.name));
  }

  std::vector<Event> Tell() {
    // One that was refused or cancelled before it began has begun as it ended.
    const auto begun = run_.started ? run_.started : run_.finished;
    if (!begun) return {};
    std::vector<const metadata::StepRecord*> steps;
    for (const metadata::StepRecord& step : run_.steps)
      if (HasBegun(step)) steps.push_back(&step);
    const auto began = [](const auto* s) { return s->started ? s->started : s->finished; };
    std::stable_sort(steps.begin(), steps.end(),
                     [&](const auto* a, const auto* b) { return began(a) < began(b); });
    for (const auto* step : steps) TellStep(*step);
    std::stable_sort(events_.begin(), events_.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    // Around those of its steps, whose times may be of another clock.
    std::vector<Event> out{{kStart, RunEvent(*begun, kStart)}};
    for (auto& [time, event] : events_) out.push_back(std::move(event));
    if (run_.outcome.empty()) return out;
    const TimePoint ended = std::max(run_.finished.value_or(*begun), *begun);
    out.push_back({EndOf(run_.outcome), RunEvent(ended, EndOf(run_.outcome))});
    return out;
  }

 private:
  static constexpr const char* kStart = "START";

  static bool HasEnded(const metadata::StepRecord& step) {
    return step.finished &&
           (step.phase == "Succeeded" || step.phase == "Failed" || step.phase == "Cancelled");
  }
  // A step that was skipped, or cancelled before its turn, was no run.
  static bool HasBegun(const metadata::StepRecord& step) {
    if (step.phase == "Skipped") return false;
    return step.started || (HasEnded(step) && step.phase != "Cancelled");
  }

  void Add(TimePoint time, const std::string& key, Json body) {
    events_.emplace_back(time, Event{key, std::move(body)});
  }

  [[nodiscard]] Json Base(TimePoint time, const std::string& type, const std::string& run_id,
                          const std::string& job, const char* kind) const {
    return {{"eventType", type},
            {"eventTime", FormatMicroTime(time)},
            {"producer", Producer()},
            {"schemaURL", std::string(kSpec) + "2-0-2/OpenLineage.json#/$defs/RunEvent"},
            {"run", {{"runId", run_id}, {"facets", Json::object()}}},
            {"job",
             {{"namespace", run_.namespace_},
              {"name", job},
              {"facets",
               {{"jobType", Facet("2-0-4/JobTypeJobFacet.json#/$defs/JobTypeJobFacet",
                                  {{"processingType", "BATCH"},
                                   {"integration", "PENSTOCK"},
                                   {"jobType", kind}})}}}}},
            {"inputs", Json::array()},
            {"outputs", Json::array()}};
  }

  static void AddError(Json& event, const std::string& message) {
    event["run"]["facets"]["errorMessage"] =
        Facet("1-0-1/ErrorMessageRunFacet.json#/$defs/ErrorMessageRunFacet",
              {{"message", message}, {"programmingLanguage", "unknown"}});
  }

  [[nodiscard]] Json RunEvent(TimePoint time, const std::string& type) const {
    Json event = Base(time, type, RunId(run_.uid), JobName(run_), "DAG");
    if (type == kFail) AddError(event, run_.message.empty() ? run_.outcome : run_.message);
    return event;
  }

  void TellStep(const metadata::StepRecord& step) {
    const TimePoint begun = step.started ? *step.started : *step.finished;
    Add(begun, step.name + " " + kStart, StepEvent(step, begun, kStart));
    if (!HasEnded(step) && run_.outcome.empty()) return;
    // What did not end by itself has ended with the run. Of two clocks the kubelet's may be behind:
    // an end is not before its beginning.
    const auto last = HasEnded(step) ? step.finished : run_.finished;
    const TimePoint ended = std::max(last.value_or(begun), begun);
    const char* type = HasEnded(step) ? EndOf(step.phase) : kAbort;
    Add(ended, step.name + " " + type, StepEvent(step, ended, type));
  }

  [[nodiscard]] Json StepEvent(const metadata::StepRecord& step, TimePoint time,
                               const std::string& type) const {
    Json event =
        Base(time, type, StepRunId(run_.uid, step.name), JobName(run_) + "." + step.name, "TASK");
    event["run"]["facets"]["parent"] =
        Facet("1-2-0/ParentRunFacet.json#/$defs/ParentRunFacet",
              {{"run", {{"runId", RunId(run_.uid)}}},
               {"job", {{"namespace", run_.namespace_}, {"name", JobName(run_)}}}});
    if (type == kFail) AddError(event, step.reason.empty() ? "it failed" : step.reason);
    for (const metadata::ArtifactUse& input : step.inputs)
      event["inputs"].push_back(Dataset(input, ""));
    if (type != kComplete) return event;
    for (const metadata::ArtifactUse& output : step.outputs)
      event["outputs"].push_back(Dataset(output, OutputName(step.name, output.name)));
    return event;
  }

  [[nodiscard]] std::string OutputName(const std::string& step, const std::string& output) const {
    return JobName(run_) + "/" + step + "/" + output;
  }

  [[nodiscard]] Json Dataset(const metadata::ArtifactUse& use, std::string name) const {
    std::string space = "penstock://" + run_.namespace_;
    std::string version = use.digest;
    if (use.digest.empty()) {
      std::tie(space, name) = NameOfUri(use.uri);
      version = use.fingerprint;
    } else if (name.empty()) {
      const auto made = made_.find(use.digest);
      name = made != made_.end() ? made->second : made_by_(use.digest);
      if (name.empty()) name = "artifacts/" + use.digest;
    }
    Json facets = Json::object();
    if (!version.empty())
      facets["version"] =
          Facet("1-0-1/DatasetVersionDatasetFacet.json#/$defs/DatasetVersionDatasetFacet",
                {{"datasetVersion", version}});
    return {{"namespace", space}, {"name", name}, {"facets", std::move(facets)}};
  }

  const metadata::RunRecord& run_;
  const MadeBy& made_by_;
  std::map<std::string, std::string> made_;  // digest -> name, by steps of this run
  std::vector<std::pair<TimePoint, Event>> events_;
};

}  // namespace

std::string JobName(const metadata::RunRecord& run) {
  return run.pipeline.empty() ? run.name : run.pipeline;
}

std::string StepRunId(const std::string& run_uid, const std::string& step) {
  return UuidOf(run_uid + "/" + step);
}

std::string RunId(const std::string& run_uid) {
  return IsUuid(run_uid) ? run_uid : UuidOf(run_uid);
}

std::vector<Event> EventsOf(const metadata::RunRecord& run, const MadeBy& made_by) {
  return Teller(run, made_by).Tell();
}

}  // namespace penstock::lineage
