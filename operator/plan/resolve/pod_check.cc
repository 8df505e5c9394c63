// What a step says of its pod beyond one program: containers in turn, sidecars, `pod`; and the
// volumes that are made for a run.
#include <algorithm>
#include <array>
#include <set>

#include "operator/plan/resolve/pod_values.h"
#include "operator/plan/resolve/references.h"
#include "operator/plan/resolve/spec_check.h"
#include "operator/plan/resolve/value_check.h"
#include "operator/plan/resolve/when_check.h"
#include "operator/protocol/reference.h"

namespace penstock::plan {
namespace {

// The domain of a label or annotation; empty: it has none.
std::string DomainOf(const std::string& key) {
  const auto slash = key.find('/');
  return slash == std::string::npos ? "" : key.substr(0, slash);
}

bool IsWithin(const std::string& domain, const std::string& of) {
  return domain == of || domain.ends_with("." + of);
}

// Letters, digits, '-', '_' and '.', a letter or digit at both ends, at most 63.
bool IsName(const std::string& text) {
  const auto alnum = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  return !text.empty() && text.size() <= 63 && alnum(text.front()) && alnum(text.back()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return alnum(c) || c == '-' || c == '_' || c == '.'; });
}

void CheckKeys(const Json& pod, const char* what, const std::string& path, Findings& out) {
  if (!pod.contains(what) || !pod.at(what).is_object()) return;
  for (const auto& [key, value] : pod.at(what).items()) {
    const std::string at = api::ChildPath(path + "." + what, key);
    const std::string domain = DomainOf(key);
    const std::string name = domain.empty() ? key : key.substr(domain.size() + 1);
    if (!IsName(name) || (key.find('/') != std::string::npos && domain.empty()))
      out.Add(at,
              "is no name that Kubernetes takes: [domain/]name of letters, digits, '-', '_' "
              "and '.', at most 63 characters");
    for (const char* of : {"penstock.dev", "kubernetes.io", "k8s.io"})
      if (IsWithin(domain, of))
        out.Add(at, std::string("names within ") + of + " are not the step's to give; remove it");
    const bool is_label = std::string_view(what) == "labels" && value.is_string();
    if (!is_label || HasTemplate(value)) continue;
    if (auto why = WhyNoLabelValue(value.get<std::string>()); !why.empty())
      out.Add(at, std::move(why));
  }
}

bool IsOurs(const Reference& r) {
  constexpr std::array<std::string_view, 11> kWords{"parameters", "inputs", "outputs",   "results",
                                                    "steps",      "code",   "workspace", "run",
                                                    "pipelines",  "each",   "step"};
  return r.path.size() > 1 && std::find(kWords.begin(), kWords.end(), r.path[0]) != kWords.end();
}

// The kubelet fills in these words, and it knows no reference of ours.
void CheckKubeletsText(const Json& text, const std::string& path, Findings& out) {
  std::vector<FoundReference> found;
  std::vector<api::FieldError> ignored;  // what is no template of ours may be one of Kubernetes'
  CollectReferences(text, path, found, ignored);
  for (const FoundReference& f : found)
    if (IsOurs(f.reference))
      out.Add(f.path, f.reference.Text() +
                          ": a sidecar is started by Kubernetes, which does not know it; write the "
                          "value itself, or hand it over in a file of a volume that both mount");
}

void CheckReadiness(const Json& readiness, const std::string& at, Findings& out) {
  if (!readiness.is_object()) return;
  const bool tcp = readiness.contains("tcp");
  const bool http = readiness.contains("http");
  const bool exec = readiness.contains("exec");
  if (int{tcp} + int{http} + int{exec} != 1)
    return out.Add(at, "say exactly one of tcp, http and exec");
  if (tcp && readiness.at("tcp") == 0) out.Add(at + ".tcp", "is no port; say 1 to 65535");
  if (http && readiness.at("http").value("port", 0) == 0)
    out.Add(at + ".http.port", "is no port; say 1 to 65535");
  if (exec && readiness.at("exec").empty()) out.Add(at + ".exec", "names no command");
}

void CheckSidecar(const CheckContext& c, const api::StepSpec& step, const api::SidecarSpec& s,
                  const std::string& at) {
  if (s.program.image.find("$(") != std::string::npos)
    c.out.Add(at + ".image", "cannot hold references; an image is part of the pipeline");
  CheckKubeletsText(Json(s.program.command), at + ".command", c.out);
  CheckKubeletsText(Json(s.program.args), at + ".args", c.out);
  CheckKubeletsText(Json(s.program.working_dir), at + ".workingDir", c.out);
  for (std::size_t i = 0; i < s.program.env.size(); ++i)
    if (s.program.env[i].contains("value"))
      CheckKubeletsText(s.program.env[i].at("value"), api::ItemPath(at + ".env", i) + ".value",
                        c.out);
  for (std::size_t i = 0; i < s.program.env.size(); ++i)
    if (s.program.env[i].contains("valueFrom"))
      CheckKubeletsText(s.program.env[i].at("valueFrom"),
                        api::ItemPath(at + ".env", i) + ".valueFrom", c.out);
  CheckKubeletsText(Json(s.program.env_from), at + ".envFrom", c.out);
  CheckMounts(c, step, s.program.volume_mounts, at + ".volumeMounts");
  CheckResources(s.resources, at + ".resources", c.out);
  CheckReadiness(s.readiness, at + ".readiness", c.out);
}

bool HasMemory(const Json& resources) {
  for (const char* section : {"requests", "limits"})
    if (resources.is_object() && resources.contains(section) &&
        resources.at(section).contains("memory"))
      return true;
  return false;
}

// A factor of nothing is nothing.
void CheckMemoryFactor(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  if (!step.retry.out_of_memory.memory_factor) return;
  const auto of_pod = [](const Json& pod) {
    return pod.is_object() && pod.contains("resources") && HasMemory(pod.at("resources"));
  };
  bool has = HasMemory(step.resources) || HasMemory(c.spec.defaults.resources) ||
             of_pod(step.pod) || of_pod(c.spec.defaults.pod) ||
             std::any_of(step.containers.begin(), step.containers.end(),
                         [](const auto& k) { return HasMemory(k.resources); });
  if (step.component) {
    const auto it = c.components.find(step.name);
    has = has || it == c.components.end() || HasMemory(it->second.resources);
  }
  if (!has)
    c.out.Add(path + ".retry.outOfMemory.memoryFactor",
              "multiplies resources.requests.memory and resources.limits.memory, and the step has "
              "neither; say how much memory it gets at first");
}

template <typename Named>
void CheckUnique(const std::vector<Named>& list, const std::string& path, Findings& out) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = api::ItemPath(path, i) + ".name";
    if (!IsDnsLabel(list[i].name, 40))
      out.Add(at, "'" + list[i].name.substr(0, 80) +
                      "' is no name: lower-case letters, digits and '-', at most 40");
    else if (!names.insert(list[i].name).second)
      out.Add(at, "'" + list[i].name + "' stands there twice");
  }
}

// The group too: files that only root's group may read or write are nobody's else.
void CheckNoRoot(const Json& security, const std::string& path, Findings& out) {
  if (!security.is_object()) return;
  const auto is_root = [](const Json& id) { return id.is_number_integer() && id == 0; };
  for (const char* field : {"runAsUser", "runAsGroup", "fsGroup"})
    if (security.contains(field) && is_root(security.at(field)))
      out.Add(path + "." + field, std::string("0 is root") +
                                      (std::string_view(field) == "runAsUser" ? "" : "'s group") +
                                      ", and a step never runs as root; take another number");
  if (!security.contains("supplementalGroups") || !security.at("supplementalGroups").is_array())
    return;
  const Json& groups = security.at("supplementalGroups");
  for (std::size_t i = 0; i < groups.size(); ++i)
    if (is_root(groups[i]))
      out.Add(api::ItemPath(path + ".supplementalGroups", i),
              "0 is root's group, and a step never runs as root; take another number");
}

Json ListAt(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) && object.at(name).is_array() ? object.at(name)
                                                                                   : Json::array();
}

void CheckDeviceClaims(const Json& pod, const std::string& path, Findings& out) {
  std::set<std::string> names;
  const Json claims = ListAt(pod, "resourceClaims");
  for (std::size_t i = 0; i < claims.size(); ++i) {
    const std::string at = api::ItemPath(path + ".resourceClaims", i);
    const std::string name = TextAt(claims[i], "name");
    if (!IsDnsLabel(name, 63)) out.Add(at + ".name", "'" + name + "' is no DNS label");
    if (!names.insert(name).second) out.Add(at + ".name", "'" + name + "' stands there twice");
    if (TextAt(claims[i], "resourceClaimName").empty() ==
        TextAt(claims[i], "resourceClaimTemplateName").empty())
      out.Add(at, "say exactly one of resourceClaimName and resourceClaimTemplateName");
  }
}

// A device that a container uses and the pod does not claim.
void CheckDevices(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  std::set<std::string> names;
  // Of the two lists the step's takes the other's place, as MergePod has it.
  const bool own = step.pod.is_object() && step.pod.contains("resourceClaims");
  const Json claimed = ListAt(own ? step.pod : c.spec.defaults.pod, "resourceClaims");
  for (const Json& claim : claimed) names.insert(TextAt(claim, "name"));
  const auto check = [&](const Json& resources, const std::string& at) {
    const Json used = ListAt(resources, "claims");
    for (std::size_t i = 0; i < used.size(); ++i)
      if (const std::string name = TextAt(used[i], "name"); !names.contains(name))
        c.out.Add(api::ItemPath(at + ".claims", i) + ".name",
                  "the pod has no claim '" + name + "'; add it to pod.resourceClaims");
  };
  if (!step.pipeline)
    check(MergeResources(c.spec.defaults.resources, step.resources), path + ".resources");
  for (std::size_t i = 0; i < step.containers.size(); ++i)
    check(step.containers[i].resources, api::ItemPath(path + ".containers", i) + ".resources");
  for (std::size_t i = 0; i < step.sidecars.size(); ++i)
    check(step.sidecars[i].resources, api::ItemPath(path + ".sidecars", i) + ".resources");
}

void CheckDaemon(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  const std::string at = path + ".daemon";
  CheckReadiness(step.daemon->readiness, at + ".readiness", c.out);
  CheckKubeletsText(step.daemon->readiness, at + ".readiness", c.out);
  if (!step.container) c.out.Add(at, "is for a step with a container");
  if (step.for_each) c.out.Add(at, "a daemon is one; remove forEach");
  if (path.starts_with("spec.finally["))
    c.out.Add(at, "nothing comes after finally that could use a daemon; let it stand in steps");
  if (step.allow_failure)
    c.out.Add(path + ".allowFailure",
              "steps that use a daemon start while it serves, so none goes on after its failure; "
              "remove it");
  if (!step.outputs.empty() || !step.results.empty())
    c.out.Add(at, "a daemon has no end of its own, so it gives no outputs and no results");
}

// A step that waits for a daemon's end would wait for ever, because the daemon waits for its.
void CheckUseOfDaemons(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  const bool is_final = path.starts_with("spec.finally[");
  const auto is_daemon = [&](const std::string& name) {
    const auto it = c.steps.find(name);
    return it != c.steps.end() && it->second->daemon;
  };
  for (std::size_t i = 0; i < step.depends_on.size(); ++i) {
    const api::Dependency& d = step.depends_on[i];
    if (!is_daemon(d.step) || is_final) continue;
    if (d.outcome != api::DependencyOutcome::kSucceeded)
      c.out.Add(api::ItemPath(path + ".dependsOn", i) + ".outcome",
                "step " + d.step +
                    " is a daemon: it ends after those that depend on it, so they cannot ask "
                    "how; leave outcome out to start once it is ready");
  }
  for (const FoundReference& f : ReferencesOf(step)) {
    const Reference& r = f.reference;
    if (!r.Is({"steps", "*"}) || !is_daemon(r.path[1])) continue;
    const bool address = r.IsJust({"steps", "*", "address"});
    if (address && step.pipeline)
      c.out.Add(path + "." + f.path,
                r.Text() +
                    ": the steps of a Pipeline would be cached by an address at which "
                    "another server may stand in the next run; use it in a step of this one, "
                    "or let that Pipeline have the daemon");
    if (address == is_final)
      c.out.Add(path + "." + f.path, r.Text() + ": the daemon " + r.path[1] +
                                         (is_final ? " has ended when steps of finally start"
                                                   : " ends after this step; $(steps." + r.path[1] +
                                                         ".address) is where it serves"));
  }
  if (is_final) return;
  for (const auto& [name, outcome] : WhenNeeds(step.when))
    if (is_daemon(name))
      c.out.Add(path + ".when", "names step " + name +
                                    ", a daemon, which ends after this one: of it is nothing "
                                    "known before");
}

// The steps that a daemon waits for before it ends, if they have not ended before it began.
std::set<std::size_t> AwaitedBy(std::size_t daemon, const std::vector<ListedStep>& steps,
                                const Graph& graph) {
  std::set<std::size_t> users, others;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].is_final || i == daemon) continue;
    if (graph[i].contains(daemon)) users.insert(i);
    if (!steps[i].step->daemon) others.insert(i);
  }
  std::set<std::size_t> awaited = WithAncestors(graph, users.empty() ? others : users);
  for (const std::size_t before : WithAncestors(graph, {daemon})) awaited.erase(before);
  return awaited;
}

}  // namespace

LocksOfDaemons HeldByDaemons(const api::PipelineSpec& spec) {
  LocksOfDaemons held;
  const auto steps = StepsOf(spec);
  const Graph graph = DependencyGraph(spec);
  for (std::size_t d = 0; d < steps.size(); ++d) {
    const api::StepSpec& daemon = *steps[d].step;
    const std::string last = LastOf(daemon.locks);
    if (!daemon.daemon || last.empty()) continue;
    for (const std::size_t i : AwaitedBy(d, steps, graph)) {
      HeldByDaemon& most = held[steps[i].step->name];
      if (last > most.lock) most = {last, daemon.name};
    }
  }
  return held;
}

void CheckPodFields(const Json& pod, const std::string& path, Findings& out) {
  if (!pod.is_object()) return;
  CheckKeys(pod, "labels", path, out);
  CheckKeys(pod, "annotations", path, out);
  if (pod.contains("securityContext"))
    CheckNoRoot(pod.at("securityContext"), path + ".securityContext", out);
  if (pod.contains("resources")) CheckResources(pod.at("resources"), path + ".resources", out);
  CheckDeviceClaims(pod, path, out);
  const std::string dns = pod.contains("dnsPolicy") ? TextAt(pod, "dnsPolicy") : "ClusterFirst";
  if (dns != "ClusterFirst" && dns != "Default" && dns != "None")
    out.Add(path + ".dnsPolicy", "'" + dns + "' is none of ClusterFirst, Default and None");
}

void CheckPod(const CheckContext& c, const api::StepSpec& step, const std::string& path) {
  CheckUnique(step.containers, path + ".containers", c.out);
  CheckUnique(step.sidecars, path + ".sidecars", c.out);
  for (std::size_t i = 0; i < step.containers.size(); ++i) {
    const std::string at = api::ItemPath(path + ".containers", i);
    if (step.containers[i].program.image.find("$(") != std::string::npos)
      c.out.Add(at + ".image", "of one of several containers cannot hold references; write it out");
    CheckResources(step.containers[i].resources, at + ".resources", c.out);
  }
  for (std::size_t i = 0; i < step.sidecars.size(); ++i)
    CheckSidecar(c, step, step.sidecars[i], api::ItemPath(path + ".sidecars", i));
  if (step.daemon) CheckDaemon(c, step, path);
  CheckUseOfDaemons(c, step, path);
  CheckPodFields(step.pod, path + ".pod", c.out);
  CheckDevices(c, step, path);
  CheckMemoryFactor(c, step, path);
}

namespace {

void CheckPodPolicyOf(const Json& pod, const std::string& path,
                      const std::set<std::string>& allowed, std::vector<api::FieldError>& errors) {
  if (!pod.is_object()) return;
  std::string list;
  for (const std::string& field : allowed) list += (list.empty() ? "" : ", ") + field;
  for (const auto& [field, value] : pod.items())
    if (!allowed.contains(field))
      errors.push_back({path + "." + field, "the platform's policy does not allow it; it allows " +
                                                (list.empty() ? "nothing of `pod`" : list) +
                                                " (podFields of the chart)"});
}

}  // namespace

void CheckPodPolicy(const api::PipelineSpec& spec, const std::set<std::string>& allowed,
                    Findings& out) {
  CheckPodPolicyOf(spec.defaults.pod, "spec.defaults.pod", allowed, out.errors);
  for (const ListedStep& s : StepsOf(spec))
    CheckPodPolicyOf(s.step->pod, s.path + ".pod", allowed, out.errors);
}

// Pipelines in place are checked when the runs within are resolved.
std::vector<api::FieldError> CheckPodPolicy(const ResolvedRun& run,
                                            const std::set<std::string>& allowed) {
  std::vector<api::FieldError> errors;
  for (const ResolvedStep& step : run.steps)
    CheckPodPolicyOf(step.pod, "spec.steps[" + step.name + "].pod", allowed, errors);
  return errors;
}

void CheckRunVolumes(const CheckContext& c) {
  CheckUnique(c.spec.volumes, "spec.volumes", c.out);
  for (std::size_t i = 0; i < c.spec.volumes.size(); ++i) {
    const api::RunVolume& v = c.spec.volumes[i];
    const std::string at = api::ItemPath("spec.volumes", i);
    if (v.name.rfind("penstock-", 0) == 0)
      c.out.Add(at + ".name", "names that begin with penstock- are the operator's; choose another");
    if (!v.claim) {
      c.out.Add(at + ".claim", "is required: {size: 10Gi}");
      continue;
    }
    const auto size = ParseQuantity(Json(v.claim->size));
    if (!size || *size <= 0)
      c.out.Add(at + ".claim.size",
                "'" + v.claim->size.substr(0, 80) + "' is no size; write for example 10Gi");
    for (std::size_t m = 0; m < v.claim->access_modes.size(); ++m) {
      const std::string& mode = v.claim->access_modes[m];
      if (mode != "ReadWriteOnce" && mode != "ReadWriteMany" && mode != "ReadWriteOncePod")
        c.out.Add(api::ItemPath(at + ".claim.accessModes", m),
                  "'" + mode.substr(0, 80) +
                      "' is none of ReadWriteOnce, ReadWriteMany and ReadWriteOncePod");
    }
  }
}

// Who lists runs by a parameter needs its value on the run, not on its pods.
void CheckRunLabels(const CheckContext& c) {
  const Json labels(c.spec.run_labels);
  CheckKeys({{"runLabels", labels}}, "runLabels", "spec", c.out);
  for (const auto& [key, value] : c.spec.run_labels) {
    const std::string at = api::ChildPath("spec.runLabels", key);
    std::vector<FoundReference> found;
    const std::size_t errors = c.out.errors.size();
    CollectReferences(value, at, found, c.out.errors);
    for (const FoundReference& f : found) {
      if (f.reference.Is({"parameters", "*"}))
        CheckValueReference(c, nullptr, f, at);
      else
        c.out.Add(at, f.reference.Text() +
                          " cannot stand in a run's label, which is put on when the run begins: it "
                          "may hold $(parameters.x)");
    }
    if (!found.empty() || c.out.errors.size() > errors) continue;
    if (auto why = WhyNoLabelValue(value); !why.empty()) c.out.Add(at, std::move(why));
  }
}

}  // namespace penstock::plan
