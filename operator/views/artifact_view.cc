#include "operator/views/artifact_view.h"

#include <algorithm>
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
constexpr std::uint64_t kMostSampled = 256 << 10;  // four times what a dataset's writer gives

// Files that say what an artifact is (docs/data.md), and where a view has them.
struct Known {
  const char* file;
  const char* field;
  std::uint64_t most = kMostShown;
};
constexpr std::array kKnown{Known{"_schema.json", "schema"}, Known{"statistics.json", "statistics"},
                            Known{"metrics.json", "metrics"},
                            Known{"_sample.json", "sample", kMostSampled}};

bool AreWhole(const Json& list) {
  return list.is_array() && std::all_of(list.begin(), list.end(),
                                        [](const Json& one) { return IsInt64(one) && one >= 0; });
}

// Whether it is what a dataset's writer gives (components/sdk/sampled_rows.h): any step may write a
// file of that name.
bool IsSample(const Json& file) {
  if (!file.is_object()) return false;
  for (const char* list : {"columns", "rows", "places", "cut"})
    if (!file.contains(list) || !file[list].is_array()) return false;
  const Json &columns = file["columns"], &rows = file["rows"], &cut = file["cut"];
  return file.size() == 5 && file.contains("moreColumns") && IsInt64(file["moreColumns"]) &&
         file["moreColumns"] >= 0 && AreWhole(file["places"]) &&
         file["places"].size() == rows.size() &&
         std::all_of(columns.begin(), columns.end(), [](const Json& c) { return c.is_string(); }) &&
         std::all_of(rows.begin(), rows.end(),
                     [&](const Json& r) { return r.is_array() && r.size() == columns.size(); }) &&
         std::all_of(cut.begin(), cut.end(),
                     [](const Json& c) { return c.size() == 3 && AreWhole(c); });
}

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
  Result<void> Put(const Known& what, const std::string& digest, std::uint64_t bytes, Json& view) {
    if (bytes > what.most) return {};
    if (const auto room = room_(parsed_ + bytes); !room)
      return room.error().kind == ErrorKind::kTooLarge ? Result<void>{} : room.error();
    parsed_ += bytes;
    const auto blob = place_.store().LocalBlob(ns_, digest);
    if (!blob) return {};
    const auto text = ReadFile(blob->path(), what.most);
    if (!text) return {};
    auto shown = ParseJsonCut(*text, what.field);
    if (!shown || (what.field == std::string("sample") && !IsSample(*shown))) return {};
    view[what.field] = *std::move(shown);
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
      PENSTOCK_TRY(reader.Put(known, "sha256:" + f.sha256, f.size, view));
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
  return reader.Put({"", type.c_str()}, file.digest, file.bytes, view);
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
