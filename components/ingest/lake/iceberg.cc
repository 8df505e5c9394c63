#include "components/ingest/lake/iceberg.h"

#include <algorithm>
#include <charconv>

#include "components/ingest/lake/iceberg_manifest.h"
#include "components/ingest/lake/iceberg_schema.h"
#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/protocol/table_uri.h"

namespace penstock::ingest {
namespace {

constexpr std::uint64_t kMaxMetadata = 1ULL << 30;
constexpr std::uint64_t kMaxHint = 4096;
constexpr const char* kHint = "metadata/version-hint.text";
constexpr std::string_view kEnd = ".metadata.json";

// The number that a metadata file's name begins with (00003-x.metadata.json, v3.metadata.json).
std::int64_t NumberOf(std::string_view name) {
  if (name.starts_with('v')) name.remove_prefix(1);
  std::int64_t number = -1;
  const auto read = std::from_chars(name.data(), name.data() + name.size(), number);
  return read.ec == std::errc() ? number : -1;
}

bool HasNumber(const Json& object, const char* key, std::int64_t number) {
  const Json& value = Member(object, key);
  return IsInt64(value) && value.get<std::int64_t>() == number;
}

class IcebergOpener {
 public:
  IcebergOpener(Place& place, const IcebergWish& wish) : place_(place), wish_(wish) {}

  Result<TableState> Open() {
    PENSTOCK_ASSIGN(const std::string path, FindMetadata());
    PENSTOCK_ASSIGN(const std::string text, place_.Text(path, kMaxMetadata));
    PENSTOCK_ASSIGN(metadata_, ParseJson(text, place_.Name(path)));
    PENSTOCK_TRY(CheckVersion());
    PENSTOCK_ASSIGN(const Json snapshot, FindSnapshot());
    const Json* schema = nullptr;
    PENSTOCK_ASSIGN(schema, FindSchema(snapshot));
    const std::string mapping =
        TextAt(Member(metadata_, "properties"), "schema.name-mapping.default");
    PENSTOCK_ASSIGN(state_.columns, IcebergColumns(*schema, mapping));
    state_.format = "Iceberg";
    state_.told = "Iceberg table, " + path;
    if (snapshot.is_null()) {  // made, and not written yet
      state_.told += ", no snapshot yet";
      return std::move(state_);
    }
    const auto id = Member(snapshot, "snapshot-id").get<std::int64_t>();
    state_.told += ", snapshot " + std::to_string(id) + " (?snapshot=" + std::to_string(id) + ")";
    state_.fingerprint = IcebergFingerprint(id);
    // Of the current one columns may be renamed without another snapshot.
    if (!wish_.snapshot) state_.fingerprint += " schema:" + Member(*schema, "schema-id").dump();
    PENSTOCK_TRY(ReadFiles(snapshot));
    return std::move(state_);
  }

 private:
  Result<std::string> FindMetadata() {
    if (!wish_.metadata.empty()) return place_.Relative(wish_.metadata);
    auto hint = place_.Text(kHint, kMaxHint);
    if (!hint && hint.error().kind == ErrorKind::kNotFound) return NoHint();
    if (!hint) return hint.error();
    std::erase_if(*hint, [](unsigned char c) { return c <= ' '; });
    const bool number =
        !hint->empty() && hint->find_first_not_of("0123456789") == std::string::npos;
    return place_.Relative("metadata/" + (number ? "v" + *hint : *hint) +
                           (hint->ends_with(kEnd) ? "" : std::string(kEnd)));
  }

  // Which file holds is the catalogue's to say: the newest may be one that lost against another.
  Result<std::string> NoHint() {
    PENSTOCK_ASSIGN(const auto entries, place_.List("metadata"));
    std::string newest;
    for (const auto& entry : entries)
      if (entry.name.ends_with(kEnd) && (newest.empty() || NumberOf(entry.name) > NumberOf(newest)))
        newest = entry.name;
    if (newest.empty())
      return Invalid(place_.Name("metadata") +
                     ": there is no metadata of an Iceberg table; name the folder that holds "
                     "metadata/, or a file of it that ends with .metadata.json");
    return Invalid(place_.Name(kHint) +
                   " is missing, and only the catalogue knows which metadata file holds: name the "
                   "one that it says (metadata_location); the one with the highest number is " +
                   place_.Name("metadata/" + newest));
  }

  Result<void> CheckVersion() {
    const Json& version = Member(metadata_, "format-version");
    if (HasNumber(metadata_, "format-version", 1) || HasNumber(metadata_, "format-version", 2))
      return {};
    return Invalid("is of format version " + plan::Shown(version.dump(), 40) +
                   "; 1 and 2 are read, and what 3 brings (deletion vectors, defaults, row "
                   "lineage) is not");
  }

  // Null: the table has none yet.
  Result<Json> FindSnapshot() {
    std::int64_t id = -1;
    const Json& current = Member(metadata_, "current-snapshot-id");
    if (IsInt64(current)) id = current.get<std::int64_t>();
    const std::int64_t wanted = wish_.snapshot.value_or(id);
    if (wanted == -1) return Json();
    for (const auto& snapshot : Member(metadata_, "snapshots"))
      if (HasNumber(snapshot, "snapshot-id", wanted)) return snapshot;
    return Invalid(
        "there is no snapshot " + std::to_string(wanted) +
        (wish_.snapshot
             ? ": it has expired, or is of another table; the current one is " + std::to_string(id)
             : ", which the metadata says is the current one"));
  }

  // Rows of old snapshots are read by the columns of their time.
  Result<const Json*> FindSchema(const Json& snapshot) {
    const Json& its_own = Member(snapshot, "schema-id");
    const bool old = wish_.snapshot && IsInt64(its_own);
    if (wish_.snapshot && !old)
      state_.not_cached =
          "the snapshot does not say its schema (format version 1), so that the current one is "
          "read, which may be another the next time";
    const Json& wanted = old ? its_own : Member(metadata_, "current-schema-id");
    if (IsInt64(wanted)) {
      for (const auto& schema : Member(metadata_, "schemas"))
        if (Member(schema, "schema-id") == wanted) return &schema;
    }
    const Json& only = Member(metadata_, "schema");  // of format version 1
    if (only.is_object() && !old) return &only;
    return Invalid("its metadata has no schema " + wanted.dump());
  }

  Result<void> ReadFiles(const Json& snapshot) {
    const std::string list = TextAt(snapshot, "manifest-list");
    if (list.empty())
      return Invalid(
          "its snapshot has no manifest list, as the first writers of format version 1 left it "
          "out; write the table once more by a newer one");
    Json specs = Member(metadata_, "partition-specs");
    if (!specs.is_array())  // of format version 1
      specs = Json::array({{{"spec-id", 0}, {"fields", Member(metadata_, "partition-spec")}}});
    const SnapshotFiles files{.place = place_,
                              .location = TextAt(metadata_, "location"),
                              .columns = state_.columns,
                              .specs = specs};
    PENSTOCK_ASSIGN(state_.files, FilesOfSnapshot(files, list));
    return {};
  }

  Place& place_;
  const IcebergWish& wish_;
  Json metadata_;
  TableState state_;
};

}  // namespace

std::string MetadataOf(std::string& place) {
  if (!place.ends_with(".json")) return "";
  const auto file = place.rfind('/');
  const auto folder = file == std::string::npos || file == 0 ? file : place.rfind('/', file - 1);
  if (folder == std::string::npos) return "";
  std::string metadata = place.substr(folder + 1);
  place.resize(folder);
  return metadata;
}

Result<TableState> OpenIceberg(Place& place, const IcebergWish& wish) {
  return IcebergOpener(place, wish).Open();
}

}  // namespace penstock::ingest
