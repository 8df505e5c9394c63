#include "components/ingest/lake/iceberg_manifest.h"

#include <algorithm>
#include <cctype>
#include <map>

#include "components/ingest/lake/actions.h"
#include "components/ingest/lake/avro.h"
#include "components/ingest/lake/iceberg_schema.h"
#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

constexpr std::uint64_t kMaxManifest = 1ULL << 30;
constexpr std::size_t kMostDataFiles = 2'000'000;
constexpr std::int64_t kDeletedEntry = 2;     // status of a manifest's entry
constexpr std::int64_t kPositionDeletes = 1;  // content of a data_file
constexpr std::int64_t kEqualityDeletes = 2;

std::int64_t NumberAt(const Json& object, const char* key, std::int64_t fallback) {
  const Json& value = Member(object, key);
  return IsInt64(value) ? value.get<std::int64_t>() : fallback;
}

// Of an Avro schema, what it says of the record's field of that name.
const Json& FieldType(const Json& schema, const char* name) {
  static const Json kNone;
  for (const auto& field : Member(schema, "fields"))
    if (TextAt(field, "name") == name) return Member(field, "type");
  return kNone;
}

// A partition's values that are those of a column itself.
struct IdentityPartition {
  const TableColumn* column = nullptr;
  std::string name;  // in the manifest's records
};

struct DataEntry {
  TableFile file;
  std::int64_t sequence = 0;  // of the commit that brought it
};

class Manifests {
 public:
  explicit Manifests(const SnapshotFiles& table) : table_(table) {}

  Result<std::vector<TableFile>> Read(const std::string& list) {
    std::vector<Json> manifests;
    PENSTOCK_TRY(ReadFile(list, [&](const AvroHead&, const Json& entry) -> Result<void> {
      manifests.push_back(entry);
      return {};
    }));
    for (const auto& manifest : manifests) PENSTOCK_TRY(ReadManifest(manifest));
    for (const auto& [path, deletes] : position_deletes_) PENSTOCK_TRY(ReadDeletes(deletes));
    std::vector<TableFile> files;
    for (auto& [path, entry] : data_) {
      auto& deleted = entry.file.deleted;
      std::sort(deleted.begin(), deleted.end());
      deleted.erase(std::unique(deleted.begin(), deleted.end()), deleted.end());
      files.push_back(std::move(entry.file));
    }
    std::sort(files.begin(), files.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    return files;
  }

 private:
  Result<void> ReadFile(const std::string& uri, const OnAvroRecord& on_entry) {
    PENSTOCK_ASSIGN(const std::string path, table_.place.Within(uri, table_.location));
    PENSTOCK_ASSIGN(const std::string bytes, table_.place.Text(path, kMaxManifest));
    auto read = ReadAvro(bytes, on_entry);
    if (!read) return Wrap(table_.place.Name(path), read.error());
    return {};
  }

  Result<void> ReadManifest(const Json& manifest) {
    const std::string uri = TextAt(manifest, "manifest_path");
    if (uri.empty()) return Invalid("a manifest list names a manifest without a path");
    std::vector<IdentityPartition> partitions;
    bool first = true;
    return ReadFile(uri, [&](const AvroHead& head, const Json& entry) -> Result<void> {
      if (first) partitions = PartitionsOf(head, NumberAt(manifest, "partition_spec_id", 0));
      first = false;
      if (NumberAt(entry, "status", 0) == kDeletedEntry) return {};
      auto added = AddEntry(manifest, entry, partitions);
      if (!added)
        return Wrap("file " + plan::Shown(TextAt(Member(entry, "data_file"), "file_path"), 200),
                    added.error());
      return {};
    });
  }

  // By the ids of the fields, since a name may be another in Avro.
  std::vector<IdentityPartition> PartitionsOf(const AvroHead& head, std::int64_t spec_id) {
    std::vector<IdentityPartition> out;
    const Json& record = FieldType(FieldType(head.schema, "data_file"), "partition");
    for (const auto& spec : table_.specs) {
      if (NumberAt(spec, "spec-id", -1) != spec_id) continue;
      for (const auto& field : Member(spec, "fields")) {
        if (TextAt(field, "transform") != "identity") continue;
        const auto column =
            std::find_if(table_.columns.begin(), table_.columns.end(),
                         [&](const auto& c) { return c.id == NumberAt(field, "source-id", -1); });
        if (column == table_.columns.end()) continue;
        for (const auto& written : Member(record, "fields"))
          if (NumberAt(written, "field-id", -1) == NumberAt(field, "field-id", -2))
            out.push_back({&*column, TextAt(written, "name")});
      }
    }
    return out;
  }

  Result<void> AddEntry(const Json& manifest, const Json& entry,
                        const std::vector<IdentityPartition>& partitions) {
    const Json& written = Member(entry, "data_file");
    std::string format = TextAt(written, "file_format");
    std::transform(format.begin(), format.end(), format.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    if (format != "parquet")
      return Invalid("is " + plan::Shown(format, 40) + ", and only Parquet is read");
    const std::string uri = TextAt(written, "file_path");
    DataEntry added;
    added.sequence = NumberAt(entry, "sequence_number", NumberAt(manifest, "sequence_number", 0));
    PENSTOCK_ASSIGN(added.file.path, table_.place.Within(uri, table_.location));
    added.file.bytes = NumberAt(written, "file_size_in_bytes", -1);
    added.file.rows = NumberAt(written, "record_count", -1);
    const auto content = NumberAt(written, "content", 0);
    if (content == kEqualityDeletes)
      return Invalid(
          "deletes rows by equality, which is not read; rewrite the table's data files first "
          "(Spark: CALL system.rewrite_data_files), then there are none");
    if (content == kPositionDeletes) {
      position_deletes_[uri] = std::move(added);
      return {};
    }
    if (content != 0) return Invalid("is of a content that is not known here");
    for (const auto& partition : partitions) {
      PENSTOCK_ASSIGN(added.file.fallbacks[partition.column->name],
                      IcebergValue(Member(Member(written, "partition"), partition.name.c_str()),
                                   *partition.column));
    }
    if (!data_.emplace(uri, std::move(added)).second)
      return Invalid("stands in two of the snapshot's manifests");
    if (data_.size() > kMostDataFiles)
      return Invalid("the table has more than 2000000 files; make fewer of them");
    return {};
  }

  Result<void> ReadDeletes(const DataEntry& deletes) {
    PENSTOCK_ASSIGN(const auto file, table_.place.Fetch(deletes.file.path, deletes.file.bytes));
    auto read =
        ReadRecords(file.path(), {"file_path", "pos"}, [&](const Json& record) -> Result<void> {
          const std::string path = TextAt(record, "file_path");
          const auto row = NumberAt(record, "pos", -1);
          if (path.empty() || row < 0) return Invalid("is no file of deletes (file_path, pos)");
          const auto data = data_.find(path);
          // Of files that are no longer in the table, and of ones that came later.
          if (data == data_.end() || data->second.sequence > deletes.sequence) return {};
          data->second.file.deleted.push_back(row);
          return {};
        });
    if (!read) return Wrap(table_.place.Name(deletes.file.path), read.error());
    return {};
  }

  const SnapshotFiles& table_;
  std::map<std::string, DataEntry> data_;  // by URI
  std::map<std::string, DataEntry> position_deletes_;
};

}  // namespace

Result<std::vector<TableFile>> FilesOfSnapshot(const SnapshotFiles& table,
                                               const std::string& manifest_list) {
  return Manifests(table).Read(manifest_list);
}

}  // namespace penstock::ingest
