#include "operator/local/pod_environment.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "operator/base/base64.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::local {
namespace {

std::string Shout(const std::string& text) {
  std::string shouted;
  for (const unsigned char c : text) {
    shouted += std::isalnum(c) != 0 ? static_cast<char>(std::toupper(c)) : '_';
  }
  return shouted;
}

std::string NamespaceOf(const Json& pod) { return pod["metadata"].value("namespace", ""); }

Result<Json> ConfigMapData(const Json& pod, const std::string& name, kube::Client& client) {
  Result<Json> map = client.Get(kube::kConfigMaps, NamespaceOf(pod), name);
  if (!map) return Wrap("ConfigMap " + name, map.error());
  return map->value("data", Json::object());
}

// nullopt: the source is optional and not there.
Result<std::optional<std::string>> ValueFrom(const Json& pod, const Json& container,
                                             const Json& source, const Environment& host,
                                             kube::Client& client) {
  using Value = std::optional<std::string>;
  if (const auto it = source.find("fieldRef"); it != source.end()) {
    Result<std::string> field = DownwardField(pod, it->value("fieldPath", ""));
    if (!field) return field.error();
    return Value(*std::move(field));
  }
  if (const auto it = source.find("resourceFieldRef"); it != source.end()) {
    const std::string path = it->value("resource", "");
    const std::size_t dot = path.find('.');
    const Json group =
        container.value("resources", Json::object()).value(path.substr(0, dot), Json::object());
    return Value(dot == std::string::npos ? "" : group.value(path.substr(dot + 1), ""));
  }
  if (const auto it = source.find("secretKeyRef"); it != source.end()) {
    const std::string name = it->value("name", ""), key = it->value("key", "");
    const Result<Environment> values = SecretValues(NamespaceOf(pod), name, {key}, host, client);
    if (!values && it->value("optional", false)) return Value();
    if (!values) return values.error();
    return Value(values->at(key));
  }
  if (const auto it = source.find("configMapKeyRef"); it != source.end()) {
    const std::string name = it->value("name", ""), key = it->value("key", "");
    const Result<Json> data = ConfigMapData(pod, name, client);
    if (data && data->contains(key)) return Value((*data)[key].get<std::string>());
    if (it->value("optional", false)) return Value();
    if (!data && data.error().kind != ErrorKind::kNotFound) return data.error();
    return Invalid("ConfigMap " + name + " with key " + key +
                   " is not in the files that were given; add the ConfigMap's manifest to them");
  }
  return Invalid("valueFrom knows fieldRef, resourceFieldRef, secretKeyRef and configMapKeyRef");
}

Result<void> AddFrom(const Json& pod, const Json& source, const Environment& host,
                     kube::Client& client, Environment& variables) {
  const std::string prefix = source.value("prefix", "");
  if (const auto it = source.find("configMapRef"); it != source.end()) {
    const Result<Json> data = ConfigMapData(pod, it->value("name", ""), client);
    if (!data && it->value("optional", false)) return {};
    if (!data) return data.error();
    for (const auto& [key, value] : data->items()) {
      if (value.is_string()) variables[prefix + key] = value.get<std::string>();
    }
    return {};
  }
  if (const auto it = source.find("secretRef"); it != source.end()) {
    const std::string name = it->value("name", "");
    const Result<Environment> values = SecretValues(NamespaceOf(pod), name, {}, host, client);
    if (!values && it->value("optional", false)) return {};
    if (!values) return values.error();
    for (const auto& [key, value] : *values) variables[prefix + key] = value;
    return {};
  }
  return Invalid("envFrom knows configMapRef and secretRef");
}

}  // namespace

std::string SecretVariable(const std::string& secret, const std::string& key) {
  return "PENSTOCK_SECRET_" + Shout(secret) + "_" + Shout(key);
}

Result<Environment> SecretValues(const std::string& ns, const std::string& secret,
                                 const std::vector<std::string>& keys, const Environment& host,
                                 kube::Client& client) {
  const Result<Json> object = client.Get(kube::kSecrets, ns, secret);
  if (!object && object.error().kind != ErrorKind::kNotFound) return object.error();
  Environment values;
  const Json data = object ? object->value("data", Json::object()) : Json::object();
  for (const auto& [key, value] : data.items()) {
    auto bytes = DecodeBase64(value.is_string() ? value.get<std::string>() : "");
    if (!bytes) return Invalid("Secret " + secret + ": data." + key + " is no base64");
    values[key] = *std::move(bytes);
  }
  const std::string start = SecretVariable(secret, "");
  for (const auto& [variable, value] : host) {
    const bool its = keys.empty() && !object && variable.starts_with(start);
    if (its) values[variable.substr(start.size())] = value;
  }
  for (const auto& [key, value] : Environment(values)) {
    const auto given = host.find(SecretVariable(secret, key));
    if (given != host.end()) values[key] = given->second;
  }
  for (const std::string& key : keys) {
    const std::string variable = SecretVariable(secret, key);
    if (const auto it = host.find(variable); it != host.end()) values[key] = it->second;
    if (!values.contains(key))
      return NotFound("Secret " + secret + " with key " + key + " is not in the files that were " +
                      "given; add its manifest, or give the key as the environment variable " +
                      variable);
  }
  if (keys.empty() && !object && values.empty())
    return NotFound("Secret " + secret +
                    " is not in the files that were given; add its manifest, " +
                    "or give its keys as environment variables " + start + "<KEY>");
  return values;
}

Environment InheritedEnvironment(const Environment& host) {
  static constexpr std::array kNames = {"PATH",
                                        "HOME",
                                        "USER",
                                        "LOGNAME",
                                        "LANG",
                                        "TZ",
                                        "TMPDIR",
                                        "VIRTUAL_ENV",
                                        "CONDA_PREFIX",
                                        "PYTHONPATH",
                                        "http_proxy",
                                        "https_proxy",
                                        "no_proxy",
                                        "HTTP_PROXY",
                                        "HTTPS_PROXY",
                                        "NO_PROXY",
                                        "SSL_CERT_FILE",
                                        "SSL_CERT_DIR",
                                        "LD_LIBRARY_PATH",
                                        "XDG_RUNTIME_DIR",
                                        "PYENV_ROOT",
                                        "SSH_AUTH_SOCK",
                                        "XDG_CONFIG_HOME",
                                        "PENSTOCK_DUCKDB"};
  static constexpr std::array kPrefixes = {"LC_",   "CUDA_", "NVIDIA_", "GIT_SSL_",
                                           "ASAN_", "TSAN_", "UBSAN_"};
  Environment kept;
  for (const auto& [name, value] : host) {
    const bool by_name = std::find(kNames.begin(), kNames.end(), name) != kNames.end();
    const bool by_prefix =
        std::any_of(kPrefixes.begin(), kPrefixes.end(),
                    [&name = name](const char* p) { return name.starts_with(p); });
    if (by_name || by_prefix) kept[name] = value;
  }
  return kept;
}

std::string ExpandVariables(const std::string& text, const Environment& variables) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '$' && i + 1 < text.size() && text[i + 1] == '$') {
      out += '$';
      i += 2;
      continue;
    }
    const std::size_t end = text.compare(i, 2, "$(") == 0 ? text.find(')', i) : std::string::npos;
    if (end != std::string::npos) {
      const auto it = variables.find(text.substr(i + 2, end - i - 2));
      out += it != variables.end() ? it->second : text.substr(i, end + 1 - i);
      i = end + 1;
      continue;
    }
    out += text[i++];
  }
  return out;
}

Result<std::string> DownwardField(const Json& pod, const std::string& path) {
  const Json& meta = pod.at("metadata");
  for (const char* map : {"labels", "annotations"}) {
    const std::string start = std::string("metadata.") + map + "['";
    if (!path.starts_with(start) || !path.ends_with("']")) continue;
    const std::string key = path.substr(start.size(), path.size() - start.size() - 2);
    return meta.value(map, Json::object()).value(key, "");
  }
  if (path == "metadata.name" || path == "metadata.namespace" || path == "metadata.uid") {
    return meta.value(path.substr(9), "");
  }
  if (path == "spec.nodeName") return std::string("local");
  if (path == "spec.serviceAccountName") {
    return pod.value("spec", Json::object()).value("serviceAccountName", "default");
  }
  if (path == "status.podIP" || path == "status.hostIP") return std::string("127.0.0.1");
  return Invalid("fieldPath " + path + " is not known to a local run");
}

Result<Environment> ContainerEnvironment(const Json& pod, const Json& container,
                                         const Environment& host, kube::Client& client) {
  Environment variables;
  for (const Json& source : container.value("envFrom", Json::array())) {
    if (Result<void> added = AddFrom(pod, source, host, client, variables); !added) {
      return added.error();
    }
  }
  for (const Json& entry : container.value("env", Json::array())) {
    const std::string name = entry.value("name", "");
    if (!entry.contains("valueFrom")) {
      variables[name] = ExpandVariables(entry.value("value", ""), variables);
      continue;
    }
    Result<std::optional<std::string>> value =
        ValueFrom(pod, container, entry["valueFrom"], host, client);
    if (!value) return Wrap("env " + name, value.error());
    if (*value) variables[name] = **std::move(value);
  }
  return variables;
}

}  // namespace penstock::local
