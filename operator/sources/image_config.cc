#include "operator/sources/image_config.h"

#include "operator/base/json.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/oci/image_name.h"
#include "operator/oci/registry.h"

namespace penstock::sources {
namespace {

using plan::Shown;

std::vector<std::string> Words(const Json& config, const char* field) {
  std::vector<std::string> words;
  const auto it = config.find(field);
  if (it == config.end() || !it->is_array()) return words;
  for (const Json& word : *it)
    if (word.is_string()) words.push_back(word.get<std::string>());
  return words;
}

std::string DigestAt(const Json& object) {
  const auto it = object.find("digest");
  return it != object.end() && it->is_string() && IsDigest(it->get<std::string>())
             ? it->get<std::string>()
             : "";
}

// The manifest of an index that is for Linux; empty: it has none.
std::string LinuxOf(const Json& index) {
  for (const Json& one : index.at("manifests")) {
    if (!one.is_object()) continue;
    const Json platform = one.value("platform", Json::object());
    if (platform.is_object() && platform.value("os", "linux") == "linux")
      if (std::string digest = DigestAt(one); !digest.empty()) return digest;
  }
  return "";
}

Result<ImageConfig> Ask(const oci::ImageName& name, const ImageOptions& options) {
  oci::RegistryOptions how;
  how.deadline = std::chrono::steady_clock::now() + options.timeout;
  how.may_ask = options.may_ask;
  how.stop = options.stop;
  oci::Registry registry(name, how);
  ImageConfig image;
  const std::string wanted = IsDigest(name.reference) ? name.reference : "";
  auto manifest =
      registry.Document("/manifests/" + name.reference, oci::kManifestTypes, wanted, &image.digest);
  if (!manifest) return manifest.error();
  if (manifest->contains("manifests") && manifest->at("manifests").is_array()) {
    const std::string digest = LinuxOf(*manifest);
    if (digest.empty()) return Invalid("the image is for no Linux");
    manifest = registry.Document("/manifests/" + digest, oci::kManifestTypes, digest);
    if (!manifest) return manifest.error();
  }
  const std::string config = DigestAt(manifest->value("config", Json::object()));
  if (config.empty()) return Invalid("the registry's answer names no configuration of the image");
  const auto blob = registry.Document("/blobs/" + config, "*/*", config);
  if (!blob) return blob.error();
  const Json what = blob->value("config", Json::object());
  if (!what.is_object()) return Invalid("the image's configuration is none");
  image.entrypoint = Words(what, "Entrypoint");
  image.command = Words(what, "Cmd");
  return image;
}

}  // namespace

Result<ImageConfig> AskImage(const std::string& image, const ImageOptions& options) {
  const auto name = oci::ParseImageName(image);
  if (!name) return name.error();
  try {
    auto asked = Ask(*name, options);
    if (!asked) return Wrap("image " + Shown(image), asked.error());
    return asked;
  } catch (const Json::exception& e) {
    return Invalid("image " + Shown(image) + ": the registry's answer is no image: " + e.what());
  }
}

}  // namespace penstock::sources
