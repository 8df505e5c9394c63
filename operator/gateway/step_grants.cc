#include "operator/gateway/step_grants.h"

#include <algorithm>
#include <utility>

#include "operator/artifacts/manifest_reader.h"
#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"
#include "operator/kube/resources.h"

namespace penstock::gateway {
namespace {

constexpr std::chrono::minutes kReadsLifetime{10};
constexpr std::size_t kMostPods = 4096;
constexpr std::size_t kMostFiles = 1'000'000;  // 32 MB of digests
constexpr std::chrono::milliseconds kAskTime{10'000};

Error PodHasGone(const Identity& caller) {
  Error error = Invalid("the token is that of pod " + caller.pod_name + ", which has gone");
  error.kind = ErrorKind::kForbidden;
  return error;
}

std::array<std::uint8_t, 32> Bytes(const std::string& hex) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  std::array<std::uint8_t, 32> out{};
  for (std::size_t i = 0; i < out.size(); ++i)
    out[i] = static_cast<std::uint8_t>(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
  return out;
}

// The name of the ConfigMap of that volume; "" where there is none.
std::string ConfigMapOf(const Json& pod, const std::string& volume) {
  for (const Json& v : pod.at("spec").value("volumes", Json::array()))
    if (v.value("name", "") == volume && v.contains("configMap"))
      return v.at("configMap").value("name", "");
  return "";
}

void AddArtifacts(const Json& task, std::vector<ArtifactRef>& out) {
  for (const Json& input : task.value("inputs", Json::array()))
    if (input.contains("artifact") && !input.at("artifact").is_null())
      out.push_back(input.at("artifact").get<ArtifactRef>());
  for (const char* field : {"code", "packages"})
    if (task.contains(field) && !task.at(field).is_null())
      out.push_back(task.at(field).get<ArtifactRef>());
}

class Turn {
 public:
  explicit Turn(std::counting_semaphore<>& turns) : turns_(turns) { turns_.acquire(); }
  ~Turn() { turns_.release(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  std::counting_semaphore<>& turns_;
};

}  // namespace

Result<StepGrants::Reads> StepGrants::Ask(const Identity& caller,
                                          const std::stop_token& stop) const {
  const kube::Call call{stop, kAskTime};
  auto pod = client_.Get(kube::kPods, caller.namespace_, caller.pod_name, call);
  if (!pod && pod.error().kind == ErrorKind::kNotFound) return PodHasGone(caller);
  if (!pod) return Wrap("asking for the caller's pod", pod.error());
  try {
    const Json& metadata = pod->at("metadata");
    if (metadata.value("uid", "") != caller.pod_uid) return PodHasGone(caller);
    Reads reads;
    reads.until = clock_.Steady() + kReadsLifetime;
    const Json annotations = metadata.value("annotations", Json::object());
    const std::string document = annotations.value(places_.annotation, "");
    if (document.empty()) return reads;
    reads.is_step = true;
    PENSTOCK_ASSIGN(Json task, ParseJson(document, "the pod's task"));
    if (const std::string name = ConfigMapOf(*pod, places_.config_volume); !name.empty()) {
      PENSTOCK_ASSIGN(const Json map,
                      client_.Get(kube::kConfigMaps, caller.namespace_, name, call));
      PENSTOCK_ASSIGN(const Json config,
                      ParseJson(map.at("data").value("config.json", "{}"), "the pod's task"));
      // As the launcher lays it over (launcher/task_file.h), but for parameters, which read
      // nothing.
      for (const auto& [field, value] : config.items()) task[field] = value;
    }
    AddArtifacts(task, reads.artifacts);
    return reads;
  } catch (const Json::exception& e) {
    return Internal("the task of pod " + caller.pod_name + " makes no sense: " + e.what());
  }
}

Result<std::shared_ptr<const StepGrants::Reads>> StepGrants::Of(const Identity& caller,
                                                                const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    const auto known = reads_.find(caller.pod_uid);
    if (known != reads_.end() && clock_.Steady() < known->second->until) return known->second;
  }
  PENSTOCK_ASSIGN(Reads asked, Ask(caller, stop));
  auto reads = std::make_shared<const Reads>(std::move(asked));
  const std::lock_guard lock(mutex_);
  if (reads_.size() >= kMostPods)
    std::erase_if(reads_, [&](const auto& one) { return one.second->until <= clock_.Steady(); });
  if (reads_.size() >= kMostPods) reads_.clear();
  reads_[caller.pod_uid] = reads;
  return reads;
}

std::shared_ptr<const StepGrants::Files> StepGrants::KnownFiles(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto known = files_.find(key);
  return known == files_.end() ? nullptr : known->second;
}

Result<std::shared_ptr<const StepGrants::Files>> StepGrants::FilesOf(const std::string& ns,
                                                                     const std::string& folder) {
  const std::string key = ns + "/" + folder;
  if (auto known = KnownFiles(key)) return known;
  const Turn turn(turns_);
  if (auto known = KnownFiles(key)) return known;  // by one who waited before us
  auto files = std::make_shared<Files>();
  PENSTOCK_ASSIGN(const artifacts::LocalObject manifest, store_.LocalBlob(ns, folder));
  auto read = artifacts::ReadManifestFile(manifest.path(),
                                          [&](artifacts::ManifestFile&& file) -> Result<void> {
                                            files->push_back(Bytes(file.sha256));
                                            return {};
                                          });
  if (!read) return read.error();
  if (read->digest != folder) return std::make_shared<const Files>();  // it is damaged
  std::sort(files->begin(), files->end());
  files->shrink_to_fit();
  const std::lock_guard lock(mutex_);
  if (held_ + files->size() > kMostFiles) {
    files_.clear();
    held_ = 0;
  }
  if (files_.emplace(key, files).second) held_ += files->size();
  return std::shared_ptr<const Files>(std::move(files));
}

Result<bool> StepGrants::IsStep(const Identity& caller, const std::stop_token& stop) {
  if (caller.pod_name.empty()) return false;
  PENSTOCK_ASSIGN(const auto reads, Of(caller, stop));
  return reads->is_step;
}

Result<bool> StepGrants::MayRead(const Identity& caller, const std::string& digest,
                                 const std::stop_token& stop) {
  if (caller.pod_name.empty() || !IsDigest(digest)) return true;
  PENSTOCK_ASSIGN(const auto reads, Of(caller, stop));
  if (!reads->is_step) return true;
  for (const ArtifactRef& artifact : reads->artifacts)
    if (artifact.digest == digest) return true;
  const auto wanted = Bytes(digest.substr(7));
  for (const ArtifactRef& artifact : reads->artifacts) {
    if (!artifact.folder) continue;
    auto files = FilesOf(caller.namespace_, artifact.digest);
    // What the store has lost, or holds as no folder, gives no right to anything.
    const bool none = !files && (files.error().kind == ErrorKind::kNotFound ||
                                 files.error().kind == ErrorKind::kInvalid);
    if (none) continue;
    if (!files) return files.error();
    if (std::binary_search((*files)->begin(), (*files)->end(), wanted)) return true;
  }
  return false;
}

}  // namespace penstock::gateway
