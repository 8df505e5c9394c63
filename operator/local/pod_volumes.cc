#include "operator/local/pod_volumes.h"

#include <algorithm>
#include <array>

#include "operator/base/base64.h"
#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/kube/resources.h"
#include "operator/protocol/volume_path.h"

namespace penstock::local {
namespace {

namespace fs = std::filesystem;

using Files = std::map<std::string, std::string>;  // by key

// All keys, or the items that a volume's source names, under its paths.
Result<Files> Chosen(const Files& all, const Json& source) {
  const Json items = source.value("items", Json::array());
  if (items.empty()) return all;
  Files chosen;
  for (const Json& item : items) {
    const std::string key = item.value("key", "");
    const auto it = all.find(key);
    if (it == all.end()) return Invalid("key " + key + " is not there");
    chosen[item.value("path", key)] = it->second;
  }
  return chosen;
}

// nullopt: optional, and not there.
Result<std::optional<Files>> ConfigMapFiles(const std::string& ns, const Json& source,
                                            kube::Client& client) {
  const std::string name = source.value("name", "");
  const Result<Json> map = client.Get(kube::kConfigMaps, ns, name);
  if (!map && map.error().kind == ErrorKind::kNotFound && source.value("optional", false))
    return std::optional<Files>();
  if (!map) return Wrap("ConfigMap " + name, map.error());
  Files files;
  const Json data = map->value("data", Json::object());
  const Json binary = map->value("binaryData", Json::object());
  for (const auto& [key, value] : data.items())
    files[key] = value.is_string() ? value.get<std::string>() : value.dump();
  for (const auto& [key, value] : binary.items()) {
    auto bytes = DecodeBase64(value.is_string() ? value.get<std::string>() : "");
    if (!bytes) return Invalid("ConfigMap " + name + ": binaryData." + key + " is no base64");
    files[key] = *std::move(bytes);
  }
  auto chosen = Chosen(files, source);
  if (!chosen) return Wrap("ConfigMap " + name, chosen.error());
  return std::optional<Files>(*std::move(chosen));
}

Result<std::optional<Files>> SecretFiles(const std::string& ns, const Json& source,
                                         const std::string& name, const Environment& host,
                                         kube::Client& client) {
  std::vector<std::string> keys;
  for (const Json& item : source.value("items", Json::array()))
    keys.push_back(item.value("key", ""));
  const auto values = SecretValues(ns, name, keys, host, client);
  if (!values && values.error().kind == ErrorKind::kNotFound && source.value("optional", false))
    return std::optional<Files>();
  if (!values) return values.error();
  auto chosen = Chosen(*values, source);
  if (!chosen) return Wrap("Secret " + name, chosen.error());
  return std::optional<Files>(*std::move(chosen));
}

Result<std::optional<Files>> DownwardFiles(const Json& pod, const Json& source) {
  Files files;
  for (const Json& item : source.value("items", Json::array())) {
    Result<std::string> text =
        DownwardField(pod, item.value("fieldRef", Json::object()).value("fieldPath", ""));
    if (!text) return text.error();
    files[item.value("path", "")] = *std::move(text);
  }
  return std::optional<Files>(std::move(files));
}

struct Volumes {
  const Json& pod;
  const Environment& host;
  kube::Client& client;

  [[nodiscard]] std::string Namespace() const { return pod["metadata"].value("namespace", ""); }

  // Of a volume, or of one source of a projected one.
  Result<std::optional<Files>> FilesOf(const Json& v) const {
    if (v.contains("downwardAPI")) return DownwardFiles(pod, v["downwardAPI"]);
    if (v.contains("configMap")) return ConfigMapFiles(Namespace(), v["configMap"], client);
    if (v.contains("secret")) {
      const Json& secret = v["secret"];
      return SecretFiles(Namespace(), secret, secret.value("secretName", secret.value("name", "")),
                         host, client);
    }
    return std::optional<Files>();  // an emptyDir; a token has no meaning here
  }

  Result<void> Write(const fs::path& folder, const Json& volume) const {
    std::error_code error;
    fs::create_directories(folder, error);
    if (!error && HoldsSecrets(volume)) fs::permissions(folder, fs::perms::owner_all, error);
    if (error) return FromErrno("folder " + folder.string(), error.value());
    std::vector<Json> sources = {volume};
    if (volume.contains("projected"))
      sources = volume["projected"].value("sources", std::vector<Json>());
    for (const Json& source : sources) {
      const auto files = FilesOf(source);
      if (!files) return files.error();
      if (!*files) continue;
      for (const auto& [path, text] : **files) {
        if (const std::string why = WhyNoFileInVolume(path); !why.empty())
          return Invalid("a file of it: " + why);
        if (auto wrote = WriteFileAtomically(folder / path, text); !wrote) return wrote;
      }
    }
    return {};
  }

  static bool HoldsSecrets(const Json& volume) {
    if (volume.contains("secret")) return true;
    if (!volume.contains("projected")) return false;
    const Json sources = volume["projected"].value("sources", Json::array());
    return std::any_of(sources.begin(), sources.end(),
                       [](const Json& s) { return s.contains("secret"); });
  }
};

// Goes when the pod has ended.
bool IsScratch(const Json& volume) {
  return volume.contains("emptyDir") || Volumes::HoldsSecrets(volume);
}

// Of one pod: what pod.json calls scratch, and all where that cannot be read.
void RemoveScratchOf(const fs::path& pod_folder) {
  const fs::path volumes = pod_folder / "volumes";
  std::error_code error;
  if (!fs::is_directory(volumes, error) || fs::is_empty(volumes, error)) return;
  const auto text = ReadFile(pod_folder / "pod.json");
  const auto pod = text ? ParseJson(*text, "pod.json") : Result<Json>(text.error());
  if (!pod) return RemoveFolder(volumes);
  try {
    for (const Json& volume : pod->at("spec").at("volumes")) {
      const auto name = volume.at("name").get<std::string>();  // throws where it is no volume
      if (IsScratch(volume)) RemoveFolder(volumes / name);
    }
  } catch (const std::exception&) {  // it is no pod
    RemoveFolder(volumes);
  }
}

// The operator's own mounts lie under /penstock, or their volumes' names say so.
bool IsOperators(const Json& mount) {
  return mount.value("mountPath", "").starts_with("/penstock/") ||
         mount.value("name", "").starts_with("penstock-");
}

Result<void> AddMount(const Json& mount, const fs::path& folder, bool read_only, PodVolumes& out) {
  const std::string inside = mount.value("mountPath", "");
  const std::string sub = mount.value("subPath", "");
  const std::string why = sub.empty() ? "" : WhyNoPathInVolume(sub);
  if (!why.empty()) return Invalid("mount at " + inside + ": subPath: " + why);
  const fs::path outside = sub.empty() ? folder : folder / sub;
  if (IsOperators(mount)) {
    out.rewritten.push_back({inside, outside});
    return {};
  }
  std::error_code error;
  if (!fs::exists(outside, error)) fs::create_directories(outside, error);
  if (error) return FromErrno("folder " + outside.string(), error.value());
  out.mounts.push_back({outside.string(), inside, read_only || mount.value("readOnly", false)});
  return {};
}

// Of a claim that was made for a run, which is all that there is here.
Result<fs::path> ClaimFolder(const PodPaths& paths, const Json& pod, const Json& source,
                             kube::Client& client) {
  const std::string ns = pod["metadata"].value("namespace", "");
  const std::string claim = source.value("claimName", "");
  const auto made = client.Get(kube::kPersistentVolumeClaims, ns, claim);
  if (!made && made.error().kind == ErrorKind::kNotFound)
    return Invalid(WhyNotLocally({{"persistentVolumeClaim", source}}));
  if (!made) return made.error();
  const fs::path state = paths.folder.parent_path().parent_path().parent_path();
  const fs::path folder = state / "claims" / ns / claim;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return FromErrno("folder " + folder.string(), error.value());
  return folder;
}

}  // namespace

std::string WhyNotLocally(const Json& volume) {
  constexpr std::array kKinds = {"emptyDir",  "configMap", "secret",
                                 "projected", "hostPath",  "downwardAPI"};
  for (const char* kind : kKinds)
    if (volume.contains(kind)) return "";
  return "a local run has volumes of emptyDir, configMap, secret, downwardAPI, projected and "
         "hostPath, and those that are made for a run; run this step on a cluster, or read the "
         "data as an input";
}

void RemoveLeftovers(const fs::path& state) {
  RemoveFolder(state / "claims");
  std::error_code error;
  for (fs::directory_iterator ns(state / "pods", error), end; !error && ns != end;
       ns.increment(error)) {
    std::error_code inner;
    for (fs::directory_iterator pod(ns->path(), inner); !inner && pod != end; pod.increment(inner))
      RemoveScratchOf(pod->path());
  }
}

Result<PodVolumes> WriteVolumes(const PodPaths& paths, const Json& pod, const Json& container,
                                const Environment& host, kube::Client& client) {
  const Volumes volumes{pod, host, client};
  PodVolumes out;
  std::map<std::string, std::pair<fs::path, bool>> folders;  // and: read-only
  for (const Json& volume : pod["spec"].value("volumes", Json::array())) {
    const std::string name = volume.value("name", "");
    if (const std::string why = WhyNotLocally(volume);
        !why.empty() && !volume.contains("persistentVolumeClaim"))
      return Invalid("volume " + name + ": " + why);
    if (volume.contains("hostPath")) {
      folders[name] = {volume["hostPath"].value("path", ""), false};
      continue;
    }
    if (volume.contains("persistentVolumeClaim")) {
      const auto claimed = ClaimFolder(paths, pod, volume["persistentVolumeClaim"], client);
      if (!claimed) return Wrap("volume " + name, claimed.error());
      folders[name] = {*claimed, volume["persistentVolumeClaim"].value("readOnly", false)};
      continue;
    }
    const fs::path folder = paths.folder / "volumes" / name;
    if (auto wrote = volumes.Write(folder, volume); !wrote)
      return Wrap("volume " + name, wrote.error());
    folders[name] = {folder, !volume.contains("emptyDir")};
    if (IsScratch(volume)) out.scratch.push_back(folder);
  }
  for (const Json& mount : container.value("volumeMounts", Json::array())) {
    const auto it = folders.find(mount.value("name", ""));
    if (it == folders.end()) return Invalid("there is no volume " + mount.value("name", ""));
    if (auto added = AddMount(mount, it->second.first, it->second.second, out); !added)
      return added.error();
  }
  out.rewritten.push_back(
      {container.value("terminationMessagePath", "/dev/termination-log"), paths.termination_log});
  // The longest path first, so that a mount inside another one wins.
  std::sort(out.rewritten.begin(), out.rewritten.end(),
            [](const Mount& a, const Mount& b) { return a.inside.size() > b.inside.size(); });
  return out;
}

}  // namespace penstock::local
