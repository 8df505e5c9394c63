#include "operator/views/artifact_view.h"

#include <array>

#include "operator/artifacts/manifest_reader.h"
#include "operator/base/file.h"
#include "operator/base/sha256.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/views/run/json_out.h"

namespace penstock::views {
namespace {

constexpr std::uint64_t kMostShown = 4 << 20;

// Files that say what an artifact is (docs/data.md), and where a view has them.
struct Known {
  const char* file;
  const char* field;
};
constexpr std::array kKnown{Known{"_schema.json", "schema"}, Known{"statistics.json", "statistics"},
                            Known{"metrics.json", "metrics"}};

bool IsPage(const std::string& path) { return path.ends_with(".html") || path.ends_with(".htm"); }

Result<void> CheckDigest(const std::string& digest) {
  if (IsDigest(digest)) return {};
  return Invalid("'" + plan::Shown(digest, 100) + "' is no sha256:<64 hex>");
}

// What files of an artifact say, as much of it as there is memory for.
class Reader {
 public:
  Reader(const Place& place, const std::string& ns, const RoomToParse& room)
      : place_(place), ns_(ns), room_(room) {}

  // What is too large, or no JSON, is a file like others: the view goes without.
  Result<void> Put(const char* field, const std::string& digest, std::uint64_t bytes, Json& view) {
    if (bytes > kMostShown) return {};
    if (const auto room = room_(parsed_ + bytes); !room)
      return room.error().kind == ErrorKind::kTooLarge ? Result<void>{} : room.error();
    parsed_ += bytes;
    const auto blob = place_.store().LocalBlob(ns_, digest);
    if (!blob) return {};
    const auto text = ReadFile(blob->path(), kMostShown);
    if (!text) return {};
    if (auto shown = ParseJsonCut(*text, field)) view[field] = *std::move(shown);
    return {};
  }

 private:
  const Place& place_;
  const std::string& ns_;
  const RoomToParse& room_;
  std::uint64_t parsed_ = 0;
};

Result<void> PutFolder(const Place& place, const std::string& ns, const std::string& digest,
                       Reader reader, Json& view) {
  PENSTOCK_ASSIGN(const auto manifest, place.store().LocalBlob(ns, digest));
  view["files"] = Json::array();
  const auto each = [&](artifacts::ManifestFile&& f) -> Result<void> {
    if (view["files"].size() < kMostFiles)
      view["files"].push_back({{"path", f.path}, {"bytes", f.size}});
    if (IsPage(f.path) && !view.contains("report")) view["report"] = f.path;
    for (const Known& known : kKnown) {
      if (f.path != known.file) continue;
      PENSTOCK_TRY(reader.Put(known.field, "sha256:" + f.sha256, f.size, view));
    }
    return {};
  };
  PENSTOCK_ASSIGN(const auto totals, artifacts::ReadManifestFile(manifest.path(), each));
  view["fileCount"] = totals.files;
  view["bytes"] = totals.bytes;
  return {};
}

// What else is known of a file: a page, or JSON that says what it is.
Result<void> PutFile(const ArtifactRef& file, const std::string& type, Reader reader, Json& view) {
  view["files"] = Json::array();
  view["files"].push_back({{"path", ""}, {"bytes", file.bytes}});
  view["fileCount"] = 1;
  if (type == "report") view["report"] = "";
  if (type != "metrics" && type != "statistics" && type != "schema") return {};
  return reader.Put(type.c_str(), file.digest, file.bytes, view);
}

}  // namespace

Result<Json> ArtifactView(const Place& place, const std::string& ns, const std::string& digest,
                          const RoomToParse& room) {
  PENSTOCK_TRY(CheckDigest(digest));
  auto recorded = place.history().Artifact(ns, digest);
  if (!recorded && recorded.error().kind != ErrorKind::kNotFound) return recorded.error();
  const std::string type = recorded ? recorded->type : "";
  PENSTOCK_ASSIGN(const ArtifactRef artifact, place.store().Find(ns, digest));
  Json view{{"digest", digest}, {"folder", artifact.folder}, {"bytes", artifact.bytes}};
  Put(view, "type", type);
  if (artifact.folder) {
    PENSTOCK_TRY(PutFolder(place, ns, digest, Reader(place, ns, room), view));
  } else {
    PENSTOCK_TRY(PutFile(artifact, type, Reader(place, ns, room), view));
  }
  metadata::LineageOptions first;
  first.depth = 1;
  auto made = place.history().Walk(ns, {digest}, first);
  if (!made && made.error().kind != ErrorKind::kNotFound) return made.error();
  if (made && !made->steps.empty()) {
    view["producer"] = {{"run", made->steps[0].run}, {"step", made->steps[0].step}};
    for (const auto& use : made->uses)
      if (use.step == 0 && !use.in && use.what.digest == digest)
        view["producer"]["output"] = use.what.name;
  }
  return view;
}

Result<ArtifactFile> FileOf(const Place& place, const std::string& ns, const std::string& digest,
                            const std::string& path) {
  PENSTOCK_TRY(CheckDigest(digest));
  PENSTOCK_ASSIGN(const ArtifactRef artifact, place.store().Find(ns, digest));
  const Error none =
      NotFound("artifact " + digest + " has no file '" + plan::Shown(path, 200) + "'");
  if (!artifact.folder) {
    if (!path.empty()) return none;
    return ArtifactFile{artifact.bytes, digest};
  }
  PENSTOCK_ASSIGN(const auto manifest, place.store().LocalBlob(ns, digest));
  std::optional<ArtifactFile> found;
  const auto each = [&](artifacts::ManifestFile&& f) -> Result<void> {
    if (f.path == path) found = ArtifactFile{f.size, "sha256:" + f.sha256};
    return {};
  };
  PENSTOCK_TRY(artifacts::ReadManifestFile(manifest.path(), each));
  if (!found) return none;
  PENSTOCK_ASSIGN(found->bytes, place.store().BlobSize(ns, found->digest));
  return *found;
}

}  // namespace penstock::views
