#include "operator/protocol/task.h"

#include <array>
#include <cstdint>
#include <set>
#include <type_traits>
#include <utility>

#include "operator/base/sha256.h"

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

// Out of its range a conversion is undefined.
template <typename T>
bool Holds(const Json& number) {
  if (number.is_number_unsigned()) return std::in_range<T>(number.get<std::uint64_t>());
  return number.is_number_integer() && std::in_range<T>(number.get<std::int64_t>());
}

// Reads fields of an object and remembers the first that is wrong.
class TaskFields {
 public:
  TaskFields(const Json& j, std::string where) : j_(j), where_(std::move(where)) {
    if (!j_.is_object()) Fail("", "must be an object");
  }

  template <typename T>
  void Get(const char* key, T& out) {
    const auto it = j_.is_object() ? j_.find(key) : j_.end();
    if (!j_.is_object() || it == j_.end() || it->is_null()) return;
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
      if (!Holds<T>(*it)) return Fail(key, "must be a whole number that is not too large");
    }
    try {
      out = it->template get<T>();
    } catch (const Json::exception&) {
      Fail(key, "has the wrong type");
    }
  }
  void Get(const char* key, Json& out) {
    if (j_.is_object() && j_.contains(key)) out = j_.at(key);
  }
  template <typename T, typename F>
  void List(const char* key, std::vector<T>& out, F read) {
    if (!j_.is_object() || !j_.contains(key) || j_.at(key).is_null()) return;
    if (!j_.at(key).is_array()) return Fail(key, "must be a list");
    for (const auto& item : j_.at(key)) {
      TaskFields r(item, where_ + key + "[" + std::to_string(out.size()) + "].");
      T value;
      read(r, value);
      if (!r.error_.empty()) return Fail("", r.error_);
      out.push_back(std::move(value));
    }
  }
  void Fail(const std::string& key, const std::string& what) {
    if (error_.empty()) error_ = key.empty() ? what : where_ + key + " " + what;
  }
  [[nodiscard]] bool Has(const char* key) const {
    return j_.is_object() && j_.contains(key) && !j_.at(key).is_null();
  }
  [[nodiscard]] const Json& At(const char* key) const { return j_.at(key); }
  [[nodiscard]] const std::string& where() const { return where_; }
  [[nodiscard]] const std::string& error() const { return error_; }

 private:
  const Json& j_;
  std::string where_;
  std::string error_;
};

void ReadArtifact(TaskFields& r, ArtifactRef& a) {
  r.Get("digest", a.digest);
  r.Get("folder", a.folder);
  r.Get("bytes", a.bytes);
  if (!IsDigest(a.digest)) r.Fail("digest", "is not sha256: and 64 hex digits");
}

template <typename Owner>
void ReadArtifactField(TaskFields& r, const char* key, Owner& out) {
  if (!r.Has(key)) return;
  TaskFields inner(r.At(key), r.where() + key + ".");
  ArtifactRef a;
  ReadArtifact(inner, a);
  if (!inner.error().empty()) return r.Fail("", inner.error());
  out = std::move(a);
}

void CheckProtocol(TaskFields& r, int protocol) {
  if (protocol < 1 || protocol > kTaskProtocol)
    r.Fail("protocol", "is " + std::to_string(protocol) + "; this side speaks " +
                           std::to_string(kTaskProtocol) +
                           ": run an operator and a launcher at most one version apart");
}

void ReadReceipt(TaskFields& r, Receipt& out) {
  r.Get("protocol", out.protocol);
  CheckProtocol(r, out.protocol);
  r.Get("run", out.run);
  r.Get("runUid", out.run_uid);
  r.Get("step", out.step);
  r.Get("pod", out.pod);
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

void ReadStore(TaskFields& r, TaskStore& s) {
  r.Get("url", s.url);
  r.Get("ca", s.ca_pem);
  r.Get("tokenFile", s.token_file);
  r.Get("folder", s.folder);
}

}  // namespace

const char* Name(TaskOutcome outcome) {
  for (const auto& [o, name] : kOutcomes)
    if (o == outcome) return name;
  return "Unknown";
}

void to_json(Json& j, const ArtifactRef& a) {
  j = Json{{"digest", a.digest}, {"bytes", a.bytes}};
  if (a.folder) j["folder"] = true;
}

void from_json(const Json& j, ArtifactRef& a) {
  a.digest = j.at("digest").get<std::string>();
  a.folder = j.value("folder", false);
  a.bytes = j.value("bytes", std::uint64_t{0});
}

void to_json(Json& j, const TaskDocument& t) {
  j = Json{{"protocol", t.protocol}, {"namespace", t.namespace_},
           {"run", t.run},           {"runUid", t.run_uid},
           {"step", t.step},         {"attempt", t.attempt},
           {"pod", t.pod},           {"command", t.command},
           {"args", t.args},         {"timeoutMs", t.timeout_ms},
           {"graceMs", t.grace_ms},  {"parameters", t.parameters}};
  if (t.item_index) j["itemIndex"] = *t.item_index;
  if (!t.item.is_null()) j["item"] = t.item;
  if (!t.working_dir.empty()) j["workingDir"] = t.working_dir;
  for (const auto& e : t.env) j["env"].push_back({{"name", e.name}, {"value", e.value}});
  for (const auto& i : t.inputs) {
    Json in{{"name", i.name}, {"type", i.type}};
    if (i.artifact) in["artifact"] = *i.artifact;
    if (!i.uri.empty()) in["uri"] = i.uri;
    if (!i.fingerprint.empty()) in["fingerprint"] = i.fingerprint;
    j["inputs"].push_back(std::move(in));
  }
  for (const auto& o : t.outputs) {
    Json out{{"name", o.name}, {"type", o.type}};
    if (o.optional) out["optional"] = true;
    j["outputs"].push_back(std::move(out));
  }
  for (const auto& r : t.results) j["results"].push_back({{"name", r.name}, {"type", r.type}});
  if (t.code) j["code"] = *t.code;
  Json& s = j["store"] = Json::object();
  if (!t.store.url.empty()) s["url"] = t.store.url;
  if (!t.store.ca_pem.empty()) s["ca"] = t.store.ca_pem;
  if (!t.store.token_file.empty()) s["tokenFile"] = t.store.token_file;
  if (!t.store.folder.empty()) s["folder"] = t.store.folder;
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
  if (m.receipt) j["receipt"] = *m.receipt;
}

Result<TaskDocument> ParseTask(const std::string& text) {
  if (text.size() > kMaxTaskConfigBytes) return Invalid("the task document is over 900 KiB");
  auto j = ParseJson(text, "the task document");
  if (!j) return j.error();
  TaskFields r(*j, "task.");
  TaskDocument t;
  r.Get("protocol", t.protocol);
  CheckProtocol(r, t.protocol);
  r.Get("namespace", t.namespace_);
  r.Get("run", t.run);
  r.Get("runUid", t.run_uid);
  r.Get("step", t.step);
  if (r.Has("itemIndex")) r.Get("itemIndex", t.item_index.emplace());
  r.Get("item", t.item);
  r.Get("attempt", t.attempt);
  r.Get("pod", t.pod);
  r.Get("command", t.command);
  r.Get("args", t.args);
  r.Get("workingDir", t.working_dir);
  r.List("env", t.env, [](TaskFields& e, TaskEnv& out) {
    e.Get("name", out.name);
    e.Get("value", out.value);
  });
  r.Get("parameters", t.parameters);
  if (!t.parameters.is_object()) r.Fail("parameters", "must be an object");
  r.List("inputs", t.inputs, [](TaskFields& i, TaskInput& out) {
    i.Get("name", out.name);
    i.Get("type", out.type);
    ReadArtifactField(i, "artifact", out.artifact);
    i.Get("uri", out.uri);
    i.Get("fingerprint", out.fingerprint);
    if (out.name.empty()) i.Fail("name", "is missing");
    if (!out.artifact && out.uri.empty()) i.Fail("artifact", "is missing, and so is uri");
  });
  r.List("outputs", t.outputs, [](TaskFields& o, TaskOutput& out) {
    o.Get("name", out.name);
    o.Get("type", out.type);
    o.Get("optional", out.optional);
  });
  r.List("results", t.results, [](TaskFields& o, TaskResult& out) {
    o.Get("name", out.name);
    o.Get("type", out.type);
  });
  ReadArtifactField(r, "code", t.code);
  r.Get("timeoutMs", t.timeout_ms);
  r.Get("graceMs", t.grace_ms);
  if (r.Has("store")) {
    TaskFields s(r.At("store"), "task.store.");
    ReadStore(s, t.store);
    if (!s.error().empty()) r.Fail("", s.error());
  }
  if (t.command.empty() && t.args.empty()) r.Fail("command", "is missing");
  if (!r.error().empty()) return Invalid(r.error());
  return t;
}

Json ToJson(const TaskStore& store) {
  Json j = Json::object();
  if (!store.url.empty()) j["url"] = store.url;
  if (!store.ca_pem.empty()) j["ca"] = store.ca_pem;
  if (!store.token_file.empty()) j["tokenFile"] = store.token_file;
  if (!store.folder.empty()) j["folder"] = store.folder;
  return j;
}

Result<TaskStore> ParseTaskStore(const std::string& text, const std::string& what) {
  auto j = ParseJson(text, what);
  if (!j) return j.error();
  try {
    return TaskStore{j->value("url", ""), j->value("ca", ""), j->value("tokenFile", ""),
                     j->value("folder", "")};
  } catch (const Json::exception& e) {
    return Invalid(what + ": " + e.what());
  }
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

std::string FormatTerminationMessage(TerminationMessage m) {
  const auto text = [&] { return Json(m).dump(-1, ' ', true, Json::error_handler_t::replace); };
  std::string out = text();
  if (out.size() > kMaxTerminationMessage) {
    m.receipt.reset();
    out = text();
  }
  while (out.size() > kMaxTerminationMessage && !(m.message.empty() && m.last_words.empty())) {
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

bool HasType(const Json& value, const std::string& type) {
  if (type == "string") return value.is_string();
  if (type == "integer")
    return value.is_number_integer() ||
           (value.is_number_float() &&
            CanonicalJson(value).find_first_of(".eE") == std::string::npos);
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "list") return value.is_array();
  if (type == "object") return value.is_object();
  return type.empty();
}

std::string HttpFingerprint(const std::string& amz_version_id, const std::string& etag,
                            const std::string& content_length) {
  if (!amz_version_id.empty() && amz_version_id != "null") return "version:" + amz_version_id;
  if (etag.empty() || etag.rfind("W/", 0) == 0 || content_length.empty()) return "";
  return "etag:" + etag + " length:" + content_length;
}

}  // namespace penstock
