#include "operator/protocol/task.h"

#include <utility>

#include "operator/protocol/task_fields.h"

namespace penstock {
namespace {

void ReadEnv(TaskFields& r, std::vector<TaskEnv>& env) {
  r.List("env", env, [](TaskFields& e, TaskEnv& out) {
    e.Get("name", out.name);
    e.Get("value", out.value);
  });
}

void ReadTurn(TaskFields& r, TaskTurn& turn) {
  r.Get("name", turn.name);
  r.Get("command", turn.command);
  r.Get("args", turn.args);
  r.Get("workingDir", turn.working_dir);
  ReadEnv(r, turn.env);
  r.Get("goesOn", turn.goes_on);
  if (turn.name.empty()) r.Fail("name", "is missing");
  if (turn.command.empty() && turn.args.empty()) r.Fail("command", "is missing");
}

Json WriteTurn(const TaskTurn& turn) {
  Json j{{"name", turn.name}, {"command", turn.command}, {"args", turn.args}};
  if (!turn.working_dir.empty()) j["workingDir"] = turn.working_dir;
  for (const auto& e : turn.env) j["env"].push_back({{"name", e.name}, {"value", e.value}});
  if (turn.goes_on) j["goesOn"] = true;
  return j;
}

void ReadStore(TaskFields& r, TaskStore& s) {
  r.Get("url", s.url);
  r.Get("ca", s.ca_pem);
  r.Get("tokenFile", s.token_file);
  r.Get("folder", s.folder);
}

}  // namespace

void to_json(Json& j, const TaskDocument& t) {
  j = Json{{"protocol", t.protocol}, {"namespace", t.namespace_},
           {"run", t.run},           {"runUid", t.run_uid},
           {"step", t.step},         {"attempt", t.attempt},
           {"pod", t.pod},           {"command", t.command},
           {"args", t.args},         {"timeoutMs", t.timeout_ms},
           {"graceMs", t.grace_ms},  {"parameters", t.parameters}};
  if (t.item_index) j["itemIndex"] = *t.item_index;
  if (t.max_message != kMaxTerminationMessage) j["maxMessageBytes"] = t.max_message;
  if (!t.values.empty()) j["values"] = t.values;
  if (!t.working_dir.empty()) j["workingDir"] = t.working_dir;
  for (const auto& e : t.env) j["env"].push_back({{"name", e.name}, {"value", e.value}});
  for (const auto& turn : t.turns) j["turns"].push_back(WriteTurn(turn));
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
  if (t.packages) j["packages"] = *t.packages;
  Json& s = j["store"] = Json::object();
  if (!t.store.url.empty()) s["url"] = t.store.url;
  if (!t.store.ca_pem.empty()) s["ca"] = t.store.ca_pem;
  if (!t.store.token_file.empty()) s["tokenFile"] = t.store.token_file;
  if (!t.store.folder.empty()) s["folder"] = t.store.folder;
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
  r.Get("values", t.values);
  if (!t.values.is_object()) r.Fail("values", "must be an object");
  r.Get("attempt", t.attempt);
  r.Get("pod", t.pod);
  r.Get("command", t.command);
  r.Get("args", t.args);
  r.Get("workingDir", t.working_dir);
  ReadEnv(r, t.env);
  r.List("turns", t.turns, ReadTurn);
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
  ReadArtifactField(r, "packages", t.packages);
  r.Get("timeoutMs", t.timeout_ms);
  r.Get("graceMs", t.grace_ms);
  r.Get("maxMessageBytes", t.max_message);
  if (r.Has("store")) {
    TaskFields s(r.At("store"), "task.store.");
    ReadStore(s, t.store);
    if (!s.error().empty()) r.Fail("", s.error());
  }
  if (t.command.empty() && t.args.empty() && t.turns.empty()) r.Fail("command", "is missing");
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
