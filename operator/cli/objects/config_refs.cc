#include "operator/cli/objects/config_refs.h"

#include "operator/base/json.h"

namespace penstock::cli {
namespace {

Json Part(const Json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() ? Json() : *it;
}

std::string StringOf(const Json& object, const char* name) {
  const Json part = Part(object, name);
  return part.is_string() ? part.get<std::string>() : "";
}

bool IsOptional(const Json& source) {
  const Json optional = Part(source, "optional");
  return optional.is_boolean() && optional.get<bool>();
}

class Finder {
 public:
  Finder(std::string step, std::vector<ConfigRef>& found) : step_(std::move(step)), found_(found) {}

  void Env(const std::vector<Json>& env, const std::string& path) {
    for (std::size_t i = 0; i < env.size(); ++i) {
      const Json from = Part(env[i], "valueFrom");
      const std::string at = api::ItemPath(path, i);
      Key(Part(from, "configMapKeyRef"), false, at);
      Key(Part(from, "secretKeyRef"), true, at);
    }
  }
  void EnvFrom(const std::vector<Json>& sources, const std::string& path) {
    for (std::size_t i = 0; i < sources.size(); ++i) {
      const std::string at = api::ItemPath(path, i);
      Whole(Part(sources[i], "configMapRef"), "name", false, at);
      Whole(Part(sources[i], "secretRef"), "name", true, at);
    }
  }
  void Volumes(const std::vector<Json>& volumes, const std::string& path) {
    for (std::size_t i = 0; i < volumes.size(); ++i) {
      const std::string at = api::ItemPath(path, i);
      Whole(Part(volumes[i], "configMap"), "name", false, at);
      Whole(Part(volumes[i], "secret"), "secretName", true, at);
      const Json sources = Part(Part(volumes[i], "projected"), "sources");
      if (!sources.is_array()) continue;
      for (const Json& source : sources) {
        Whole(Part(source, "configMap"), "name", false, at);
        Whole(Part(source, "secret"), "name", true, at);
      }
    }
  }
  void Code(const api::ContainerSpec& container, const std::string& path) {
    if (container.code && container.code->config_map)
      found_.push_back({false, *container.code->config_map, {}, false, step_, path});
  }

 private:
  void Key(const Json& source, bool secret, const std::string& path) {
    if (!source.is_object()) return;
    found_.push_back({secret,
                      StringOf(source, "name"),
                      {StringOf(source, "key")},
                      IsOptional(source),
                      step_,
                      path});
  }
  void Whole(const Json& source, const char* name, bool secret, const std::string& path) {
    if (!source.is_object()) return;
    ConfigRef ref{secret, StringOf(source, name), {}, IsOptional(source), step_, path};
    const Json items = Part(source, "items");
    if (items.is_array())
      for (const Json& item : items) ref.keys.push_back(StringOf(item, "key"));
    found_.push_back(std::move(ref));
  }

  const std::string step_;
  std::vector<ConfigRef>& found_;
};

}  // namespace

std::vector<ConfigRef> ConfigRefsOf(const api::PipelineSpec& spec) {
  std::vector<ConfigRef> found;
  for (std::size_t i = 0; i < spec.parameters.size(); ++i) {
    const api::ParameterSpec& p = spec.parameters[i];
    const Json source = Part(p.value_from, "configMapKeyRef");
    if (!source.is_object() || p.optional) continue;
    found.push_back({false,
                     StringOf(source, "name"),
                     {StringOf(source, "key")},
                     false,
                     "",
                     api::ItemPath("spec.parameters", i) + ".valueFrom"});
    found.back().parameter = p.name;
  }
  api::ForEachStep(spec, "spec", [&](const api::StepSpec& step, const std::string& path) {
    Finder finder(step.name, found);
    finder.Env(step.env, path + ".env");
    finder.EnvFrom(step.env_from, path + ".envFrom");
    if (step.container) {
      finder.Env(step.container->env, path + ".container.env");
      finder.EnvFrom(step.container->env_from, path + ".container.envFrom");
      finder.Code(*step.container, path + ".container.code.configMap");
    }
    const auto program = [&](const api::ContainerSpec& c, const std::string& at) {
      finder.Env(c.env, at + ".env");
      finder.EnvFrom(c.env_from, at + ".envFrom");
    };
    for (std::size_t i = 0; i < step.containers.size(); ++i)
      program(step.containers[i].program, api::ItemPath(path + ".containers", i));
    for (std::size_t i = 0; i < step.sidecars.size(); ++i)
      program(step.sidecars[i].program, api::ItemPath(path + ".sidecars", i));
    finder.Volumes(step.volumes, path + ".volumes");
  });
  // A name or key that a parameter or a result gives is known when the step starts.
  for (ConfigRef& ref : found)
    std::erase_if(ref.keys, [](const std::string& key) { return key.find("$(") != key.npos; });
  std::erase_if(found, [](const ConfigRef& ref) { return ref.name.find("$(") != ref.name.npos; });
  return found;
}

}  // namespace penstock::cli
