#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "operator/base/json.h"
#include "operator/base/time.h"
#include "operator/plan/resolve/pod_values.h"

namespace penstock::plan {
namespace {

// In a volume, where references may stand.
struct VolumeWay {
  std::vector<std::string> names;
  bool may_be_absent;  // and the volume is then an empty one
};
const std::vector<VolumeWay>& VolumeWays() {
  static const std::vector<VolumeWay> kWays{
      {{"persistentVolumeClaim", "claimName"}, true},
      {{"configMap", "name"}, true},
      {{"secret", "secretName"}, true},
      {{"emptyDir", "sizeLimit"}, false},
      {{"ephemeral", "volumeClaimTemplate", "spec", "resources"}, false},
      {{"ephemeral", "volumeClaimTemplate", "spec", "storageClassName"}, false}};
  return kWays;
}

Json* At(Json& value, const std::vector<std::string>& way) {
  Json* now = &value;
  for (const std::string& name : way) {
    if (!now->is_object() || !now->contains(name)) return nullptr;
    now = &now->at(name);
  }
  return now;
}

// A number where Kubernetes takes a text or a whole number. Of an object, however deep.
Json AsQuantities(const Json& value) {
  if (value.is_number_integer() || value.is_string() || value.is_array()) return value;
  if (!value.is_object()) return CanonicalText(value);
  Json out = Json::object();
  for (const auto& [name, item] : value.items()) out[name] = AsQuantities(item);
  return out;
}

bool HasNull(const Json& value) {
  return value.is_null() ||
         (value.is_structured() && std::any_of(value.begin(), value.end(), HasNull));
}

// What was written as text is text to Kubernetes, whatever came of it.
Json AsTexts(const Json& put, const Json& written) {
  if (written.is_string() && !put.is_structured()) return CanonicalText(put);
  Json out = put;
  if (put.is_object() && written.is_object())
    for (auto& [name, item] : out.items())
      if (written.contains(name)) item = AsTexts(item, written.at(name));
  if (!put.is_array() || !written.is_array() || written.empty()) return out;
  for (std::size_t i = 0; i < out.size(); ++i)  // longer where an item was [*]
    out[i] = AsTexts(put[i], written[std::min(i, written.size() - 1)]);
  return out;
}

// Goes through the places of one step. The first error ends it.
class Walk {
 public:
  explicit Walk(const AtPlace& put) : put_(put) {}

  void Image(std::string& image) {
    if (const auto value = Put(image, ".container.image")) image = CanonicalText(*value);
  }
  void Resources(Json& resources) {
    if (const auto value = Put(resources, ".resources")) resources = AsQuantities(*value);
  }
  void Scheduling(api::SchedulingSpec& s) {
    if (const auto value = Put(s.service_account_name, ".serviceAccountName")) {
      s.service_account_name = CanonicalText(*value);
      if (!value->is_null() && s.service_account_name.empty())
        return Fail(".serviceAccountName", "what it refers to is empty");
    }
    Each(s.image_pull_secrets, ".imagePullSecrets",
         [this](Json& one, const std::string& at) { return Text(one, {"name"}, at); });
    TextMap(s.node_selector, ".nodeSelector");
    Each(s.tolerations, ".tolerations",
         [this](Json& one, const std::string& at) { return Whole(one, at); });
    if (!Whole(s.affinity, ".affinity")) s.affinity = Json();
  }
  void Timeouts(api::TimeoutSpec& t) {
    Timeout(t.attempt_text, t.attempt, ".timeouts.attempt");
    Timeout(t.pending_text, t.pending, ".timeouts.pending");
  }
  void Pod(Json& pod) {
    for (const char* section : {"labels", "annotations"}) {
      if (!pod.is_object() || !pod.contains(section)) continue;
      auto texts = pod.at(section).get<std::map<std::string, std::string>>();
      TextMap(texts, std::string(".pod.") + section);
      pod[section] = texts;
    }
  }
  void Env(std::vector<Json>& env, std::vector<Json>& env_from, const std::string& path) {
    Each(env, path + ".env", [this](Json& one, const std::string& at) {
      for (const char* kind : {"secretKeyRef", "configMapKeyRef"})
        for (const char* field : {"name", "key"})
          if (!Text(one, {"valueFrom", kind, field}, at)) return false;
      return true;
    });
    Each(env_from, path + ".envFrom", [this](Json& one, const std::string& at) {
      return Text(one, {"secretRef", "name"}, at) && Text(one, {"configMapRef", "name"}, at);
    });
  }
  void Volumes(std::vector<Json>& volumes, const std::string& path) {
    for (std::size_t i = 0; i < volumes.size(); ++i) Volume(volumes[i], api::ItemPath(path, i));
  }

  [[nodiscard]] Result<void> End() const { return error_ ? Result<void>(*error_) : Result<void>(); }

 private:
  // nullopt: there is nothing to put in, or it failed.
  std::optional<Json> Put(const Json& value, const std::string& path) {
    if (error_ || !HasTemplate(value)) return std::nullopt;
    auto put = put_(value, path);
    if (!put) error_ = Wrap(path.substr(1), put.error());
    return put ? std::optional<Json>(std::move(*put)) : std::nullopt;
  }
  void Fail(const std::string& path, const std::string& message) {
    if (!error_) error_ = Invalid(path.substr(1) + ": " + message);
  }
  // False: it is absent.
  bool Text(Json& object, const std::vector<std::string>& way, const std::string& path) {
    Json* place = plan::At(object, way);
    if (place == nullptr) return true;
    std::string at = path;
    for (const std::string& name : way) at = api::ChildPath(at, name);
    const auto value = Put(*place, at);
    if (!value) return true;
    *place = CanonicalText(*value);
    return !value->is_null();
  }
  bool Whole(Json& value, const std::string& path) {
    const auto put = Put(value, path);
    if (!put) return true;
    if (HasNull(*put)) return false;
    value = AsTexts(*put, value);
    return true;
  }
  template <typename F>
  void Each(std::vector<Json>& list, const std::string& path, F stays) {
    std::vector<Json> kept;
    for (std::size_t i = 0; i < list.size(); ++i)
      if (stays(list[i], api::ItemPath(path, i))) kept.push_back(std::move(list[i]));
    list = std::move(kept);
  }
  void TextMap(std::map<std::string, std::string>& texts, const std::string& path) {
    for (auto it = texts.begin(); it != texts.end();) {
      const auto value = Put(it->second, api::ChildPath(path, it->first));
      if (value) it->second = CanonicalText(*value);
      it = value && value->is_null() ? texts.erase(it) : std::next(it);
    }
  }
  void Timeout(std::string& text, std::optional<Milliseconds>& time, const std::string& path) {
    const auto value = Put(text, path);
    if (!value) return;
    text = CanonicalText(*value);
    if (HasTemplate(*value)) return;
    const auto parsed = ParseDuration(text);
    if (!value->is_null() && !parsed) return Fail(path, parsed.error().message);
    if (!value->is_null() && parsed->count() <= 0) return Fail(path, "must be above 0");
    if (!value->is_null()) time = *parsed;
    text.clear();
  }
  void Volume(Json& volume, const std::string& path) {
    for (const VolumeWay& way : VolumeWays()) {
      Json* place = plan::At(volume, way.names);
      if (place == nullptr) continue;
      std::string at = path;
      for (const std::string& name : way.names) at = api::ChildPath(at, name);
      const auto value = Put(*place, at);
      if (!value) continue;
      if (value->is_null() && way.may_be_absent) {
        volume.erase(way.names[0]);
        volume["emptyDir"] = Json::object();
        return;
      }
      if (value->is_null()) return Fail(at, "what it refers to was not given");
      *place = AsQuantities(*value);
    }
    Json* sources = plan::At(volume, {"projected", "sources"});
    if (sources == nullptr || !sources->is_array()) return;
    auto list = sources->get<std::vector<Json>>();
    Each(list, path + ".projected.sources", [this](Json& one, const std::string& at) {
      return Text(one, {"secret", "name"}, at) && Text(one, {"configMap", "name"}, at);
    });
    *sources = std::move(list);
  }

  const AtPlace& put_;
  std::optional<Error> error_;
};

// Of a step as it is written or resolved: what only one of the two has is given apart.
template <typename Step>
void WalkShared(Walk& walk, Step& step) {
  walk.Resources(step.resources);
  walk.Scheduling(step.scheduling);
  walk.Timeouts(step.timeouts);
  walk.Pod(step.pod);
}
template <typename Step>
void WalkStep(Walk& walk, Step& step) {
  WalkShared(walk, step);
  walk.Volumes(step.volumes, ".volumes");
  for (std::size_t i = 0; i < step.containers.size(); ++i) {
    api::ContainerSpec& program = step.containers[i].program;
    walk.Env(program.env, program.env_from, api::ItemPath(".containers", i));
  }
}

void WalkAll(Walk& walk, api::StepSpec& step) {
  if (step.container) {
    walk.Image(step.container->image);
    walk.Env(step.container->env, step.container->env_from, ".container");
  }
  WalkStep(walk, step);
  walk.Env(step.env, step.env_from, "");
}
void WalkAll(Walk& walk, ResolvedStep& step) {
  if (step.component.empty()) walk.Image(step.container.image);
  walk.Env(step.container.env, step.container.env_from, ".container");
  WalkStep(walk, step);
}
void WalkAll(Walk& walk, api::StepDefaults& defaults) { WalkShared(walk, defaults); }

// Only what holds places: the texts of programs may be long.
api::ContainerSpec PlacesIn(const api::ContainerSpec& program) {
  api::ContainerSpec out;
  out.image = program.image;
  out.env = program.env;
  out.env_from = program.env_from;
  return out;
}
template <typename Step>
Step SharedPlacesIn(const Step& step) {
  Step out;
  out.resources = step.resources;
  out.scheduling = step.scheduling;
  out.timeouts = step.timeouts;
  out.pod = step.pod;
  return out;
}
template <typename Step>
Step StepPlacesIn(const Step& step) {
  Step out = SharedPlacesIn(step);
  out.volumes = step.volumes;
  for (const api::StepContainer& c : step.containers) {
    out.containers.emplace_back();
    out.containers.back().program = PlacesIn(c.program);
  }
  return out;
}

template <typename Step>
std::vector<PodPlace> Found(Step copy) {
  std::vector<PodPlace> found;
  const AtPlace put = [&](const Json& value, const std::string& path) -> Result<Json> {
    found.push_back({value, path});
    return value;
  };
  Walk walk(put);
  WalkAll(walk, copy);
  return found;
}

template <typename Step>
Result<void> PutAll(Step& step, const AtPlace& put) {
  Walk walk(put);
  WalkAll(walk, step);
  return walk.End();
}

}  // namespace

std::vector<PodPlace> PlacesOf(const api::StepSpec& step) {
  api::StepSpec copy = StepPlacesIn(step);
  if (step.container) copy.container = PlacesIn(*step.container);
  copy.env = step.env;
  copy.env_from = step.env_from;
  return Found(std::move(copy));
}
std::vector<PodPlace> PlacesOf(const ResolvedStep& step) {
  ResolvedStep copy = StepPlacesIn(step);
  copy.component = step.component;
  copy.container = PlacesIn(step.container);
  return Found(std::move(copy));
}
std::vector<PodPlace> PlacesOf(const api::StepDefaults& defaults) {
  return Found(SharedPlacesIn(defaults));
}

Result<void> PutPlaces(api::StepSpec& step, const AtPlace& put) { return PutAll(step, put); }
Result<void> PutPlaces(api::StepDefaults& defaults, const AtPlace& put) {
  return PutAll(defaults, put);
}
Result<void> PutPlaces(ResolvedStep& step, const AtPlace& put) { return PutAll(step, put); }

Result<void> PutVolumePlaces(std::vector<Json>& volumes, const std::string& path,
                             const AtPlace& put) {
  Walk walk(put);
  walk.Volumes(volumes, path);
  return walk.End();
}

bool HasTemplate(const Json& value) {
  if (value.is_string()) return value.get_ref<const std::string&>().find("$(") != std::string::npos;
  return value.is_structured() && std::any_of(value.begin(), value.end(), HasTemplate);
}

}  // namespace penstock::plan
