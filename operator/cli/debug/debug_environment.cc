#include "operator/cli/debug/debug_environment.h"

#include <algorithm>
#include <cctype>

#include "operator/base/json.h"
#include "operator/local/pod_environment.h"

namespace penstock::cli {
namespace {

// What a shell takes as a variable's name; a key of a ConfigMap may be another.
bool IsVariable(const std::string& name) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_'; };
  return !name.empty() && std::isdigit(static_cast<unsigned char>(name[0])) == 0 &&
         std::all_of(name.begin(), name.end(), fits);
}

std::string FromShell(const std::string& secret, const std::string& key, bool optional) {
  const std::string variable = local::SecretVariable(secret, key);
  if (optional) return "\"${" + variable + ":-}\"";
  return "\"${" + variable + "?give it key " + key + " of Secret " + secret + "}\"";
}

class Exporter {
 public:
  Exporter(const Json& pod, const std::map<std::string, std::string>& shell,
           const ConfigMapData& config_map)
      : pod_(pod), shell_(shell), config_map_(config_map) {}

  Result<std::string> Lines(const Json& container) {
    for (const Json& source : container.value("envFrom", Json::array())) {
      if (Result<void> added = AddFrom(source); !added) return added.error();
    }
    for (const Json& entry : container.value("env", Json::array())) {
      if (Result<void> added = Add(container, entry); !added) {
        return Wrap("env " + entry.value("name", ""), added.error());
      }
    }
    return lines_;
  }

 private:
  void Put(const std::string& name, const std::string& quoted) {
    if (IsVariable(name)) lines_ += "export " + name + "=" + quoted + "\n";
  }

  Result<void> AddFrom(const Json& source) {
    const std::string prefix = source.value("prefix", "");
    if (const auto it = source.find("configMapRef"); it != source.end()) {
      const Result<Json> data = config_map_(it->value("name", ""));
      if (!data && it->value("optional", false)) return {};
      if (!data) return data.error();
      for (const auto& [key, value] : data->items()) {
        if (value.is_string()) Put(prefix + key, ShellQuoted(value.get<std::string>()));
      }
      return {};
    }
    const std::string secret =
        source.value("secretRef", Json::object()).value("name", std::string());
    const std::string start = local::SecretVariable(secret, "");
    lines_ += "# envFrom of Secret " + secret + ": every " + start + "<KEY> of your shell\n";
    for (const auto& [variable, value] : shell_) {
      if (!variable.starts_with(start)) continue;
      Put(prefix + variable.substr(start.size()), "\"${" + variable + "?}\"");
    }
    return {};
  }

  Result<void> Add(const Json& container, const Json& entry) {
    const std::string name = entry.value("name", "");
    const auto from = entry.find("valueFrom");
    if (from == entry.end()) {
      Put(name, ShellQuoted(entry.value("value", "")));
    } else if (const auto secret = from->find("secretKeyRef"); secret != from->end()) {
      Put(name, FromShell(secret->value("name", ""), secret->value("key", ""),
                          secret->value("optional", false)));
    } else if (const auto map = from->find("configMapKeyRef"); map != from->end()) {
      const std::string key = map->value("key", "");
      const Result<Json> data = config_map_(map->value("name", ""));
      if (data && data->contains(key)) {
        Put(name, ShellQuoted(data->at(key).get<std::string>()));
      } else if (!map->value("optional", false)) {
        return data ? NotFound("ConfigMap " + map->value("name", "") + " has no key " + key)
                    : data.error();
      }
    } else if (const auto field = from->find("fieldRef"); field != from->end()) {
      const Result<std::string> value = local::DownwardField(pod_, field->value("fieldPath", ""));
      if (!value) return value.error();
      Put(name, ShellQuoted(*value));
    } else if (const auto amount = from->find("resourceFieldRef"); amount != from->end()) {
      const std::string path = amount->value("resource", "");
      const Json group = container.value("resources", Json::object())
                             .value(path.substr(0, path.find('.')), Json::object());
      Put(name, ShellQuoted(group.value(path.substr(path.find('.') + 1), "")));
    }
    return {};
  }

  const Json& pod_;
  const std::map<std::string, std::string>& shell_;
  const ConfigMapData& config_map_;
  std::string lines_;
};

}  // namespace

std::string ShellQuoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

Result<std::string> ExportLines(const Json& pod, const std::map<std::string, std::string>& shell,
                                const ConfigMapData& config_map) {
  const Json containers = pod.value("spec", Json::object()).value("containers", Json::array());
  if (containers.empty()) return std::string();
  return Exporter(pod, shell, config_map).Lines(containers[0]);
}

}  // namespace penstock::cli
