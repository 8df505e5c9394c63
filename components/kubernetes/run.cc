#include "components/kubernetes/run.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>

#include "components/kubernetes/object_type.h"
#include "components/kubernetes/wait.h"
#include "operator/api/manifest.h"
#include "operator/base/file.h"
#include "operator/base/pause.h"
#include "operator/base/sha256.h"
#include "operator/base/time.h"
#include "operator/base/try.h"

namespace penstock::kubernetes {
namespace {

using std::chrono::steady_clock;

// On an object that this component made: whose it is, "<the run's uid>/<step>".
constexpr const char* kMadeBy = "penstock.dev/made-by";
constexpr std::size_t kMostManager = 128;  // characters of a field manager's name
constexpr std::size_t kMostManifest = 1 << 20;
constexpr std::size_t kMostValues = 8 << 10;
constexpr std::chrono::milliseconds kLastCall{800};  // to delete what was made, after a stop

struct Wanted {
  std::string action;
  Json manifest;
  bool force = false, own = false, delete_on_cancel = false, wait = true;
  Awaited awaited;
  outside::Extraction results;
  Milliseconds interval{}, timeout{};
  [[nodiscard]] bool Makes() const { return action == "apply" || action == "create"; }
};

Result<Json> ReadManifest(const sdk::Step& step, const Json& given) {
  if (!step.HasInput("manifest")) {
    if (given.is_object() && !given.empty()) return given;
    return Invalid("manifest: is required, as a parameter or an input");
  }
  if (!given.empty())
    return Invalid("manifest: is given as a parameter and as an input; remove one");
  PENSTOCK_ASSIGN(const std::string path, step.InputPath("manifest"));
  PENSTOCK_ASSIGN(const std::string text, ReadFile(path, kMostManifest));
  PENSTOCK_ASSIGN(auto documents, api::ParseManifests(text, "the input manifest"));
  if (documents.size() != 1)
    return Invalid("the input manifest holds " + std::to_string(documents.size()) +
                   " objects; a step is about one");
  return std::move(documents[0].object);
}

Result<Milliseconds> ReadDuration(sdk::Parameters& p, const std::string& name,
                                  const std::string& fallback) {
  auto read = ParseDuration(p.String(name, fallback));
  if (!read) return Wrap(name, read.error());
  if (*read < Milliseconds{1} || *read > std::chrono::hours(24 * 7))
    return Invalid(name + ": lies between 1ms and 168h");
  return read;
}

std::string TextIn(const Json& object, const char* group, const char* field) {
  const Json* at = &object;
  if (group != nullptr) {
    const auto it = object.find(group);
    if (it == object.end() || !it->is_object()) return "";
    at = &*it;
  }
  const auto it = at->find(field);
  return it != at->end() && it->is_string() ? it->get<std::string>() : "";
}

Result<void> CheckManifest(const Wanted& w) {
  for (const char* field : {"apiVersion", "kind"})
    if (TextIn(w.manifest, nullptr, field).empty())
      return Invalid(std::string("manifest.") + field + ": is required");
  const bool generated =
      w.action == "create" && !TextIn(w.manifest, "metadata", "generateName").empty();
  if (TextIn(w.manifest, "metadata", "name").empty() && !generated)
    return Invalid("manifest.metadata.name: is required" +
                   std::string(w.action == "create" ? ", or generateName" : ""));
  if (w.own && !w.Makes()) return Invalid("setOwnerReference: is for the actions apply and create");
  if (w.delete_on_cancel && !w.Makes())
    return Invalid("deleteOnCancel: is for the actions apply and create");
  if (w.action == "delete" && w.awaited.Waits())
    return Invalid(
        "condition, successCondition and failureCondition: an object that is deleted "
        "has none; wait says whether to wait until it is gone");
  return {};
}

Result<Wanted> ReadWanted(const sdk::Step& step) {
  sdk::Parameters p(step.parameters());
  Wanted w;
  w.action = p.OneOf("action", "apply", {"apply", "create", "patch", "delete", "get"});
  const Json manifest = p.Object("manifest");
  w.force = p.Boolean("force", false);
  w.own = p.Boolean("setOwnerReference", false);
  w.delete_on_cancel = p.Boolean("deleteOnCancel", false);
  w.wait = p.Boolean("wait", true);
  w.awaited.condition = p.String("condition", "");
  const std::string success = p.String("successCondition", "");
  const std::string failure = p.String("failureCondition", "");
  const Json results = p.Object("results");
  PENSTOCK_ASSIGN(w.interval, ReadDuration(p, "interval", "2s"));
  PENSTOCK_ASSIGN(w.timeout, ReadDuration(p, "timeout", "1h"));
  PENSTOCK_TRY(p.Finish());
  using outside::Condition;
  const auto& known = KnownVariables();
  PENSTOCK_ASSIGN(w.awaited.success, Condition::Parse("successCondition", success, known));
  PENSTOCK_ASSIGN(w.awaited.failure, Condition::Parse("failureCondition", failure, known));
  PENSTOCK_ASSIGN(w.results, outside::Extraction::Parse(results, known));
  PENSTOCK_ASSIGN(w.manifest, ReadManifest(step, manifest));
  PENSTOCK_TRY(CheckManifest(w));
  return w;
}

// One for each step of a Pipeline: what two steps apply of one object, neither takes from the
// other.
std::string FieldManagerOf(const Run& run) {
  std::string name = "penstock";
  for (const std::string& part : {run.pipeline, run.step})
    if (!part.empty()) name += "-" + part;
  return name.size() <= kMostManager ? name : "penstock-" + Sha256Hex(name);
}

// Of an object of the API server; "" where it has none.
std::string MadeBy(const Json& object) {
  const auto meta = object.find("metadata");
  return meta == object.end() ? "" : TextIn(*meta, "annotations", kMadeBy);
}

// No other object of the same name.
kube::DeleteOptions Just(const std::string& uid) {
  kube::DeleteOptions options;
  options.uid = uid;
  return options;
}

class Work {
 public:
  Work(Wanted& wanted, kube::Client& client, const Run& run, std::stop_token stop)
      : w_(wanted), client_(client), run_(run), stop_(std::move(stop)) {}

  // The object as it was seen last.
  Result<Json> Do() {
    PENSTOCK_ASSIGN(type_, FindType(client_, TextIn(w_.manifest, nullptr, "apiVersion"),
                                    TextIn(w_.manifest, nullptr, "kind"), stop_));
    PENSTOCK_TRY(Place());
    end_ = steady_clock::now() + w_.timeout;
    if (w_.action == "delete") return Remove();
    PENSTOCK_TRY(LookBefore());
    auto object = Act();
    if (!object) {
      if (object.error().kind == ErrorKind::kCancelled) TakeBackByName();
      return Wrap(w_.action + " " + What(), object.error());
    }
    name_ = TextIn(*object, "metadata", "name");
    const std::string uid = TextIn(*object, "metadata", "uid");
    std::printf("%s %s, uid %s\n", w_.action.c_str(), What().c_str(), uid.c_str());
    std::fflush(stdout);
    auto end = Await(*std::move(object));
    if (!end && end.error().kind == ErrorKind::kCancelled) TakeBack(uid);
    return end;
  }

 private:
  [[nodiscard]] std::string What() const {
    return type_.kind + " " + (ns_.empty() ? "" : ns_ + "/") + name_;
  }

  // Empty where nothing tells this run from others.
  [[nodiscard]] std::string Mark() const {
    return run_.uid.empty() ? "" : run_.uid + "/" + run_.step;
  }
  // Made by this step of this run, perhaps in an earlier attempt.
  [[nodiscard]] bool IsOurs(const Json& object) const {
    return !run_.uid.empty() && MadeBy(object) == Mark();
  }
  [[nodiscard]] bool IsOfRun(const Json& object) const {
    if (run_.uid.empty()) return false;
    if (MadeBy(object).starts_with(run_.uid + "/")) return true;
    const Json owners = object.value("metadata", Json::object()).value("ownerReferences", Json());
    return std::any_of(owners.begin(), owners.end(), [&](const Json& owner) {
      return owner.is_object() && TextIn(owner, nullptr, "uid") == run_.uid;
    });
  }

  // Whether this step makes the object, and writes that on it. An apply may find one there, which
  // is not deleted with the step, nor given to the run.
  Result<void> LookBefore() {
    if (!w_.Makes()) return {};
    if (w_.action == "apply") {
      if (!w_.delete_on_cancel && !w_.own) return {};
      const auto before = client_.Get(type_.Resource(), ns_, name_, {.stop = stop_});
      if (!before && before.error().kind != ErrorKind::kNotFound)
        return Wrap("looking at " + What(), before.error());
      if (before && w_.own && !IsOfRun(*before))
        return Invalid("setOwnerReference: " + What() +
                       " was there before this run, and would be deleted with it; name another, or "
                       "leave setOwnerReference out");
      if (before && !IsOurs(*before)) return {};
    }
    makes_ = true;
    if (run_.uid.empty()) return {};
    Json& notes = w_.manifest["metadata"]["annotations"];
    if (!notes.is_null() && !notes.is_object())
      return Invalid("manifest.metadata.annotations: is an object");
    notes[kMadeBy] = Mark();
    return {};
  }

  // Where the object stands and what belongs to it.
  Result<void> Place() {
    name_ = TextIn(w_.manifest, "metadata", "name");
    generated_ = name_.empty();
    if (generated_) name_ = TextIn(w_.manifest, "metadata", "generateName");
    if (type_.namespaced) {
      ns_ = TextIn(w_.manifest, "metadata", "namespace");
      if (ns_.empty()) ns_ = run_.namespace_;
      w_.manifest["metadata"]["namespace"] = ns_;
    }
    if (!w_.own) return {};
    if (ns_ != run_.namespace_)
      return Invalid("setOwnerReference: the object does not stand in the run's namespace, " +
                     run_.namespace_ + ", and nothing belongs to what stands in another one");
    if (run_.uid.empty())
      return Invalid("setOwnerReference: a local run is no object that could own anything");
    w_.manifest["metadata"]["ownerReferences"].push_back({{"apiVersion", "penstock.dev/v1alpha1"},
                                                          {"kind", "PipelineRun"},
                                                          {"name", run_.name},
                                                          {"uid", run_.uid}});
    return {};
  }

  Result<Json> Act() {
    const kube::ResourceType type = type_.Resource();
    const kube::Call call{.stop = stop_};
    if (w_.action == "create") return Create();
    if (w_.action == "get") return client_.Get(type, ns_, name_, call);
    kube::PatchOptions options;
    options.field_manager = FieldManagerOf(run_);
    options.force = w_.force;
    if (w_.action == "apply") return client_.Apply(type, ns_, name_, w_.manifest, options, call);
    return client_.MergePatch(type, ns_, name_, w_.manifest, options, call);
  }

  // One that an attempt before this one made is there already.
  Result<Json> Create() {
    auto made = client_.Create(type_.Resource(), ns_, w_.manifest, {.stop = stop_});
    if (made || made.error().kind != ErrorKind::kAlreadyExists || generated_) return made;
    auto there = client_.Get(type_.Resource(), ns_, name_, {.stop = stop_});
    return there && IsOurs(*there) ? there : made;
  }

  Result<Json> Await(Json object) {
    if (!w_.awaited.Waits()) return object;
    std::string told;
    for (;;) {
      std::string why;
      auto wanted = IsAsWanted(object, w_.awaited, why);
      if (!wanted) return Wrap(What(), wanted.error());
      if (*wanted) return object;
      if (why != told) std::printf("not yet: %s\n", why.c_str());
      std::fflush(stdout);
      told = why;
      if (auto waited = PauseFor(why); !waited) return waited.error();
      auto again = client_.Get(type_.Resource(), ns_, name_, {.stop = stop_});
      if (again)
        object = *std::move(again);
      else if (!PassesByItself(again.error().kind))
        return Wrap("looking at " + What(), again.error());
    }
  }

  Result<void> PauseFor(const std::string& why) {
    if (steady_clock::now() + w_.interval > end_)
      return Invalid(What() + " was not as wanted within " + FormatDuration(w_.timeout) + ": " +
                     why);
    if (!Pause(w_.interval, stop_)) return Cancelled("stopped while it waited for " + What());
    return {};
  }

  Result<Json> Remove() {
    const kube::ResourceType type = type_.Resource();
    auto before = client_.Get(type, ns_, name_, {.stop = stop_});
    if (!before && before.error().kind != ErrorKind::kNotFound)
      return Wrap("looking at " + What(), before.error());
    if (!before) {
      std::printf("%s is not there\n", What().c_str());
      return w_.manifest;
    }
    const std::string uid = TextIn(*before, "metadata", "uid");
    auto gone = client_.Delete(type, ns_, name_, Just(uid), {.stop = stop_});
    if (!gone && gone.error().kind != ErrorKind::kNotFound)
      return Wrap("delete " + What(), gone.error());
    std::printf("delete %s, uid %s\n", What().c_str(), uid.c_str());
    std::fflush(stdout);
    while (w_.wait) {
      auto there = client_.Get(type, ns_, name_, {.stop = stop_});
      if (!there && there.error().kind == ErrorKind::kNotFound) break;
      if (!there && !PassesByItself(there.error().kind))
        return Wrap("looking at " + What(), there.error());
      if (there && TextIn(*there, "metadata", "uid") != uid) break;  // another one of the name
      PENSTOCK_TRY(PauseFor("it is being deleted, and its finalizers hold it"));
    }
    return before;
  }

  // After a stop on the way there: whether the API server made it is not known.
  void TakeBackByName() {
    if (!w_.delete_on_cancel || !makes_) return;
    if (generated_) {
      std::printf("deleteOnCancel: the stop came while it was made, and its name is not known\n");
      return;
    }
    const auto there =
        client_.Get(type_.Resource(), ns_, name_, {.stop = {}, .timeout = kLastCall});
    if (there && IsOurs(*there)) TakeBack(TextIn(*there, "metadata", "uid"));
  }

  void TakeBack(const std::string& uid) {
    if (!w_.delete_on_cancel || !makes_) return;
    const auto gone =
        client_.Delete(type_.Resource(), ns_, name_, Just(uid), {.stop = {}, .timeout = kLastCall});
    std::printf("deleteOnCancel: %s %s\n", What().c_str(),
                gone ? "is deleted" : ("stays: " + gone.error().message).c_str());
    std::fflush(stdout);
  }

  Wanted& w_;
  kube::Client& client_;
  const Run& run_;
  const std::stop_token stop_;
  ObjectType type_;
  std::string ns_, name_;
  bool generated_ = false;  // the name is the server's to choose
  bool makes_ = false;      // the object is one that this step makes, or has made
  steady_clock::time_point end_;
};

// What is kept of an object: of a Secret, nothing that is secret.
Json Kept(Json object, const Json& manifest) {
  if (TextIn(manifest, nullptr, "apiVersion") != "v1" ||
      TextIn(manifest, nullptr, "kind") != "Secret")
    return object;
  object.erase("data");
  object.erase("stringData");
  if (const auto meta = object.find("metadata"); meta != object.end() && meta->is_object())
    if (const auto notes = meta->find("annotations"); notes != meta->end() && notes->is_object())
      notes->erase("kubectl.kubernetes.io/last-applied-configuration");
  return object;
}

}  // namespace

Run RunOf(const std::map<std::string, std::string>& environment) {
  const auto get = [&](const char* name) {
    const auto it = environment.find(name);
    return it == environment.end() ? "" : it->second;
  };
  return {get("PENSTOCK_RUN_NAME"), get("PENSTOCK_RUN_UID"), get("PENSTOCK_RUN_NAMESPACE"),
          get("PENSTOCK_PIPELINE"), get("PENSTOCK_STEP")};
}

Result<kube::ClusterConfig> ClusterOf(const std::map<std::string, std::string>& environment,
                                      const std::filesystem::path& service_account) {
  kube::Surroundings around;
  around.env = environment;
  around.service_account = service_account;
  around.env.erase("HOME");  // nobody named the cluster of ~/.kube/config here
  auto config = kube::LoadConfig({}, around);
  if (config) return config;
  if (environment.contains("KUBECONFIG")) return config.error();
  if (environment.contains("KUBERNETES_SERVICE_HOST")) return config.error();
  return Invalid(
      "this is no pod of a cluster; for a local run say env KUBECONFIG in the step, the "
      "file of the cluster that it may act on");
}

Result<void> RunKubernetes(sdk::Step& step, kube::Client& client, const Run& run,
                           std::stop_token stop) {
  PENSTOCK_ASSIGN(Wanted wanted, ReadWanted(step));
  PENSTOCK_ASSIGN(const std::string output, step.OutputPath("object"));
  PENSTOCK_ASSIGN(Json seen, Work(wanted, client, run, std::move(stop)).Do());
  const Json object = Kept(std::move(seen), wanted.manifest);
  PENSTOCK_TRY(WriteFileAtomically(output, object.dump(2) + "\n"));
  PENSTOCK_ASSIGN(const Json values, wanted.results.Values(VariablesOf(object)));
  if (values.dump(-1, ' ', false, Json::error_handler_t::replace).size() > kMostValues)
    return Invalid("results: have over 8 KiB; take less, or read the output object");
  PENSTOCK_TRY(step.WriteResult("name", TextIn(object, "metadata", "name")));
  PENSTOCK_TRY(step.WriteResult("uid", TextIn(object, "metadata", "uid")));
  return step.WriteResult("values", values);
}

}  // namespace penstock::kubernetes
