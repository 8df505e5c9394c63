#include <yaml-cpp/yaml.h>

#include <cctype>
#include <set>

#include "operator/base/base64.h"
#include "operator/base/file.h"
#include "operator/base/is_there.h"
#include "operator/base/json.h"
#include "operator/base/try.h"
#include "operator/kube/config.h"

namespace penstock::kube {
namespace {

namespace fs = std::filesystem;

// An entry of a kubeconfig's list, with the folder that its relative paths start from.
struct Entry {
  YAML::Node value;
  fs::path folder;
};

struct Merged {
  std::map<std::string, Entry> clusters;
  std::map<std::string, Entry> users;
  std::map<std::string, Entry> contexts;
  std::string current;
};

std::string Text(const YAML::Node& node, const char* key) {
  if (!node || !node.IsMap() || !node[key] || !node[key].IsScalar()) return "";
  return node[key].as<std::string>();
}

std::string Path(const Entry& entry, const char* key) {
  const std::string text = Text(entry.value, key);
  if (text.empty()) return "";
  return fs::path(text).is_absolute() ? text : (entry.folder / text).lexically_normal().string();
}

Result<std::string> Base64(std::string text, const std::string& what) {
  std::erase_if(text, [](unsigned char c) { return std::isspace(c) != 0; });
  auto out = DecodeBase64(text);
  if (!out || text.size() % 4 != 0) return Invalid(what + " is not base64");
  return *std::move(out);
}

// `key` is a path and `key`-data the text itself, which wins.
Result<PemSource> Pem(const Entry& entry, const std::string& key, const std::string& owner) {
  PemSource out;
  if (const std::string data = Text(entry.value, (key + "-data").c_str()); !data.empty()) {
    auto text = Base64(data, owner + ": " + key + "-data");
    if (!text) return text.error();
    out.data = *std::move(text);
    return out;
  }
  out.file = Path(entry, key.c_str());
  return out;
}

void MergeList(const YAML::Node& root, const char* list, const char* key, const fs::path& folder,
               std::map<std::string, Entry>& into) {
  if (!root[list] || !root[list].IsSequence()) return;
  for (const auto& item : root[list]) {
    const std::string name = Text(item, "name");
    if (!name.empty() && item[key]) into.try_emplace(name, Entry{item[key], folder});
  }
}

Result<void> MergeFile(const fs::path& file, Merged& merged) {
  auto text = ReadFile(file, 16 << 20);
  if (!text) return Wrap("kubeconfig", text.error());
  try {
    const YAML::Node root = YAML::Load(*text);
    if (root.IsNull()) return {};
    if (!root.IsMap()) return Invalid("kubeconfig " + file.string() + " is not a map");
    const fs::path folder = fs::absolute(file).parent_path();
    MergeList(root, "clusters", "cluster", folder, merged.clusters);
    MergeList(root, "users", "user", folder, merged.users);
    MergeList(root, "contexts", "context", folder, merged.contexts);
    if (merged.current.empty()) merged.current = Text(root, "current-context");
  } catch (const YAML::Exception& e) {
    return Invalid("kubeconfig " + file.string() + ": " + e.what());
  }
  return {};
}

// Invalid when the entry has a field that is not among `known`.
Result<void> CheckFields(const Entry& entry, const std::string& owner,
                         const std::set<std::string>& known) {
  if (entry.value.IsNull()) return {};
  if (!entry.value.IsMap()) return Invalid(owner + " is not a map");
  for (const auto& field : entry.value) {
    const auto name = field.first.as<std::string>();
    if (known.contains(name)) continue;
    return Invalid(owner + ": the field " + name + " is not known here, and is not ignored");
  }
  return {};
}

// A scalar or nothing, or else a list of scalars.
Result<std::vector<std::string>> Texts(const YAML::Node& list, const std::string& what) {
  std::vector<std::string> out;
  if (!list || list.IsNull()) return out;
  if (!list.IsSequence()) return Invalid(what + " is not a list");
  for (const auto& item : list) out.push_back(item.as<std::string>());
  return out;
}

// As client-go writes the key of an extra field into a header's name.
std::string HeaderKey(const std::string& key) {
  static constexpr std::string_view kLegal = "!#$&'*+-.^_`|~";
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const unsigned char c : key) {
    if (std::isalnum(c) != 0 || kLegal.find(static_cast<char>(c)) != kLegal.npos) {
      out += static_cast<char>(c);
    } else {
      out += {'%', kHex[c >> 4], kHex[c & 15]};
    }
  }
  return out;
}

Result<net::Headers> ReadImpersonation(const Entry& entry, const std::string& owner) {
  net::Headers out;
  const YAML::Node& user = entry.value;
  if (const std::string name = Text(user, "as"); !name.empty())
    out.emplace_back("Impersonate-User", name);
  const bool more = user["as-uid"] || user["as-groups"] || user["as-user-extra"];
  if (out.empty() && more)
    return Invalid(owner + ": as-uid, as-groups and as-user-extra need the user, as");
  if (const std::string uid = Text(user, "as-uid"); !uid.empty())
    out.emplace_back("Impersonate-Uid", uid);
  auto groups = Texts(user["as-groups"], owner + ": as-groups");
  if (!groups) return groups.error();
  for (auto& group : *groups) out.emplace_back("Impersonate-Group", std::move(group));
  const YAML::Node& extra = user["as-user-extra"];
  if (!extra) return out;
  if (!extra.IsMap()) return Invalid(owner + ": as-user-extra is not a map");
  for (const auto& field : extra) {
    const auto key = field.first.as<std::string>();
    auto values = Texts(field.second, owner + ": as-user-extra." + key);
    if (!values) return values.error();
    for (auto& value : *values)
      out.emplace_back("Impersonate-Extra-" + HeaderKey(key), std::move(value));
  }
  return out;
}

std::string ClusterInfo(const ClusterConfig& config, const Entry& cluster) {
  Json info = {{"server", config.server}};
  if (const auto proxy = Text(cluster.value, "proxy-url"); !proxy.empty())
    info["proxy-url"] = proxy;
  if (Text(cluster.value, "disable-compression") == "true") info["disable-compression"] = true;
  if (config.insecure) info["insecure-skip-tls-verify"] = true;
  if (!config.tls_server_name.empty()) info["tls-server-name"] = config.tls_server_name;
  if (const auto ca = config.ca.Load(); ca && !ca->empty()) {
    info["certificate-authority-data"] = EncodeBase64(*ca);
  }
  return info.dump();
}

Result<ExecPlugin> ReadExec(const Entry& entry, const std::string& owner,
                            const ClusterConfig& config, const Entry& cluster) {
  const YAML::Node& exec = entry.value["exec"];
  ExecPlugin out;
  out.command = Text(exec, "command");
  if (out.command.empty()) return Invalid(owner + ": exec.command is missing");
  if (out.command.find('/') != std::string::npos && !fs::path(out.command).is_absolute()) {
    out.command = (entry.folder / out.command).lexically_normal().string();
  }
  out.api_version = Text(exec, "apiVersion");
  if (out.api_version != "client.authentication.k8s.io/v1" &&
      out.api_version != "client.authentication.k8s.io/v1beta1") {
    return Invalid(owner + ": exec.apiVersion must be client.authentication.k8s.io/v1 or v1beta1");
  }
  if (Text(exec, "interactiveMode") == "Always") {
    return Invalid(owner + ": exec.interactiveMode Always needs a terminal, which we have not");
  }
  for (const auto& arg : exec["args"]) out.args.push_back(arg.as<std::string>());
  for (const auto& variable : exec["env"])
    out.env[Text(variable, "name")] = Text(variable, "value");
  out.install_hint = Text(exec, "installHint");
  if (Text(exec, "provideClusterInfo") == "true") out.cluster_info = ClusterInfo(config, cluster);
  return out;
}

Result<void> ReadUser(const Entry& entry, const std::string& owner, const Entry& cluster,
                      ClusterConfig& config) {
  if (entry.value["auth-provider"]) {
    return Invalid(owner + ": auth-provider was removed from Kubernetes; use exec");
  }
  auto known = CheckFields(entry, owner,
                           {"client-certificate", "client-certificate-data", "client-key",
                            "client-key-data", "token", "tokenFile", "as", "as-uid", "as-groups",
                            "as-user-extra", "username", "password", "exec", "extensions"});
  if (!known) return known;
  auto impersonation = ReadImpersonation(entry, owner);
  if (!impersonation) return impersonation.error();
  config.impersonation = *std::move(impersonation);
  auto certificate = Pem(entry, "client-certificate", owner);
  if (!certificate) return certificate.error();
  auto key = Pem(entry, "client-key", owner);
  if (!key) return key.error();
  config.certificate = *std::move(certificate);
  config.key = *std::move(key);
  if (config.certificate.empty() != config.key.empty()) {
    return Invalid(owner + ": client-certificate and client-key belong together");
  }
  config.token.file = Path(entry, "tokenFile");
  if (config.token.file.empty()) config.token.token = Text(entry.value, "token");
  const std::string user = Text(entry.value, "username");
  if (!user.empty()) config.basic_auth = user + ":" + Text(entry.value, "password");
  if (entry.value["exec"]) {
    auto exec = ReadExec(entry, owner, config, cluster);
    if (!exec) return exec.error();
    config.token.exec = *std::move(exec);
  }
  return {};
}

Result<void> ReadCluster(const Entry& entry, const std::string& owner, ClusterConfig& config) {
  auto known = CheckFields(entry, owner,
                           {"server", "tls-server-name", "insecure-skip-tls-verify",
                            "certificate-authority", "certificate-authority-data", "proxy-url",
                            "disable-compression", "extensions", "api-version"});
  if (!known) return known;
  config.server = Text(entry.value, "server");
  if (config.server.empty()) return Invalid(owner + ": server is missing");
  auto ca = Pem(entry, "certificate-authority", owner);
  if (!ca) return ca.error();
  config.ca = *std::move(ca);
  config.insecure = Text(entry.value, "insecure-skip-tls-verify") == "true";
  config.tls_server_name = Text(entry.value, "tls-server-name");
  const std::string proxy_url = Text(entry.value, "proxy-url");
  if (proxy_url.empty()) return {};
  auto proxy = net::ParseProxy(proxy_url);
  if (!proxy) return Wrap(owner + ": proxy-url", proxy.error());
  config.proxy = *std::move(proxy);
  return {};
}

Result<ClusterConfig> Select(const Merged& merged, const std::string& context) {
  const std::string name = context.empty() ? merged.current : context;
  if (name.empty()) return Invalid("the kubeconfig has no current-context; name a context");
  const auto chosen = merged.contexts.find(name);
  if (chosen == merged.contexts.end()) {
    return Invalid("context \"" + name + "\" is not in the kubeconfig");
  }
  ClusterConfig out;
  out.context = name;
  const std::string cluster_name = Text(chosen->second.value, "cluster");
  const auto cluster = merged.clusters.find(cluster_name);
  if (cluster == merged.clusters.end()) {
    return Invalid("context \"" + name + "\": cluster \"" + cluster_name + "\" is not there");
  }
  auto where = ReadCluster(cluster->second, "cluster \"" + cluster_name + "\"", out);
  if (!where) return where.error();
  if (const auto ns = Text(chosen->second.value, "namespace"); !ns.empty()) out.namespace_ = ns;
  const std::string user_name = Text(chosen->second.value, "user");
  if (user_name.empty()) return out;
  const auto user = merged.users.find(user_name);
  if (user == merged.users.end()) {
    return Invalid("context \"" + name + "\": user \"" + user_name + "\" is not there");
  }
  auto read = ReadUser(user->second, "user \"" + user_name + "\"", cluster->second, out);
  if (!read) return read.error();
  return out;
}

}  // namespace

Result<ClusterConfig> LoadKubeconfigs(const std::vector<fs::path>& files,
                                      const std::string& context) {
  Merged merged;
  bool any = false;
  for (const auto& file : files) {
    PENSTOCK_ASSIGN(const bool there, IsThere(file));
    if (!there) continue;
    any = true;
    if (auto read = MergeFile(file, merged); !read) return read.error();
  }
  if (!any) return Invalid("no kubeconfig file exists: " + files.front().string());
  try {
    return Select(merged, context);
  } catch (const YAML::Exception& e) {
    return Invalid(std::string("kubeconfig: ") + e.what());
  }
}

}  // namespace penstock::kube
