#include "operator/oci/model_image.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "operator/base/file.h"
#include "operator/base/json_member.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::oci {
namespace fs = std::filesystem;
namespace {

using plan::Shown;

constexpr std::size_t kMostLayers = 10'000;
constexpr const char* kModelsFolder = "models/";
#if defined(__aarch64__)
constexpr const char* kArchitecture = "arm64";
#else
constexpr const char* kArchitecture = "amd64";
#endif

Json ObjectAt(const Json& object, const char* key) {
  const auto it = object.find(key);
  return it != object.end() && it->is_object() ? *it : Json::object();
}

bool IsImageConfig(const std::string& type) {
  return type == "application/vnd.oci.image.config.v1+json" ||
         type == "application/vnd.docker.container.image.v1+json";
}

struct Layer {
  std::string digest, type, title;
  std::uint64_t size = 0;
  bool archive = false;
};

Result<Layer> ReadLayer(const Json& descriptor, bool image) {
  if (!descriptor.is_object()) return Invalid("the manifest has a layer that is none");
  Layer layer;
  layer.digest = TextAt(descriptor, "digest");
  layer.type = TextAt(descriptor, "mediaType");
  const auto size = descriptor.find("size");
  if (!IsDigest(layer.digest) || size == descriptor.end() || !size->is_number_unsigned())
    return Invalid("the manifest has a layer without a sha256 digest or a size");
  layer.size = size->get<std::uint64_t>();
  const Json notes = ObjectAt(descriptor, "annotations");
  layer.title = TextAt(notes, "org.opencontainers.image.title");
  if (layer.title.empty()) layer.title = TextAt(notes, "org.cncf.model.filepath");
  const bool tar = layer.type.ends_with(".tar") || layer.type.ends_with(".tar+gzip") ||
                   layer.type.ends_with(".tar.gzip");
  // ORAS calls whatever it pushes a tar, and says of folders alone that they are to be unpacked.
  const bool oras_folder = TextAt(notes, "io.deis.oras.content.unpack") == "true";
  const bool model_pack = layer.type.starts_with("application/vnd.cncf.model.");
  layer.archive = image || oras_folder || (tar && (layer.title.empty() || model_pack));
  if (layer.archive || !layer.title.empty()) return layer;
  return Invalid("the artifact has a layer of type '" + Shown(layer.type, 100) +
                 "' without a title: it is neither a file nor a tar archive");
}

class Fetching {
 public:
  Fetching(Registry& registry, const fs::path& folder, const archive::UnpackLimits& limits)
      : registry_(registry), folder_(folder), limits_(limits) {}

  Result<void> Run(const std::string& digest) {
    PENSTOCK_ASSIGN(Json manifest, Manifest(digest));
    if (manifest.contains("manifests")) {
      PENSTOCK_ASSIGN(const std::string chosen, Choose(manifest["manifests"]));
      PENSTOCK_ASSIGN(manifest, Manifest(chosen));
    }
    const bool image = IsImageConfig(TextAt(ObjectAt(manifest, "config"), "mediaType"));
    const auto layers = manifest.find("layers");
    if (layers == manifest.end() || !layers->is_array() || layers->empty())
      return Invalid("the manifest has no layers");
    if (layers->size() > kMostLayers) return Invalid("the manifest has more than 10000 layers");
    archive::Unpacker unpacker({folder_, limits_, image ? kModelsFolder : "", image});
    for (const Json& descriptor : *layers) {
      PENSTOCK_ASSIGN(const Layer layer, ReadLayer(descriptor, image));
      PENSTOCK_TRY(layer.archive ? Unpack(layer, unpacker) : Save(layer));
    }
    if (image && unpacker.files() == 0)
      return Invalid("the image holds no file under /models, where a model is looked for");
    return {};
  }

 private:
  Result<Json> Manifest(const std::string& digest) {
    return registry_.Document("/manifests/" + digest, kManifestTypes, digest);
  }

  static Result<std::string> Choose(const Json& manifests) {
    std::string first;
    for (const Json& one : manifests) {
      const std::string digest = TextAt(one, "digest");
      if (!IsDigest(digest)) continue;
      if (first.empty()) first = digest;
      const Json platform = ObjectAt(one, "platform");
      if (TextAt(platform, "os") == "linux" && TextAt(platform, "architecture") == kArchitecture)
        return digest;
    }
    if (first.empty()) return Invalid("the index names no manifest");
    return first;
  }

  Result<void> Unpack(const Layer& layer, archive::Unpacker& unpacker) {
    PENSTOCK_TRY(registry_.Blob(layer.digest, layer.size,
                                [&](std::string_view b) { return unpacker.Write(b); }));
    return unpacker.Finish();
  }

  Result<void> Save(const Layer& layer) {
    // As an archive's entry: the title is the registry's word.
    const fs::path title = fs::path(layer.title).lexically_normal();
    const bool climbs =
        std::any_of(title.begin(), title.end(), [](const fs::path& part) { return part == ".."; });
    if (title.is_absolute() || climbs || title.filename().empty() || title == "." ||
        layer.title.size() > 1024 || layer.title.find('\0') != std::string::npos)
      return Invalid("the artifact's title '" + Shown(layer.title, 200) +
                     "' leads out of the folder");
    bytes_ += layer.size;
    if (bytes_ > limits_.bytes)
      return Error{ErrorKind::kTooLarge, "the artifact's files have more than " +
                                             std::to_string(limits_.bytes) + " bytes"};
    const fs::path target = folder_ / title;
    std::error_code ec;
    fs::create_directories(target.parent_path(), ec);
    if (ec) return FromErrno("creating " + target.parent_path().string(), ec.value());
    const int fd =
        ::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
    if (fd < 0 && errno == EEXIST)
      return Invalid("the artifact holds '" + Shown(layer.title, 200) + "' twice");
    if (fd < 0) return FromErrno("creating " + target.string(), errno);
    auto written = registry_.Blob(layer.digest, layer.size, [&](std::string_view bytes) {
      return WriteAll(fd, target, bytes);
    });
    if (::close(fd) != 0 && written) return FromErrno("writing " + target.string(), errno);
    return written;
  }

  static Result<void> WriteAll(int fd, const fs::path& target, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd, bytes.data(), bytes.size());
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FromErrno("writing " + target.string(), errno);
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return {};
  }

  Registry& registry_;
  const fs::path& folder_;
  const archive::UnpackLimits& limits_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<void> FetchModelImage(Registry& registry, const std::string& digest, const fs::path& folder,
                             const archive::UnpackLimits& limits) {
  return Fetching(registry, folder, limits).Run(digest);
}

}  // namespace penstock::oci
