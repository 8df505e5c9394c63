#include "components/ingest/lake/delta.h"

#include <algorithm>
#include <set>

#include "components/ingest/lake/deletion_vector.h"
#include "components/ingest/lake/delta_log.h"
#include "components/ingest/lake/delta_schema.h"
#include "components/ingest/lake/rows.h"
#include "operator/base/json.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"
#include "operator/net/url.h"
#include "operator/protocol/table_uri.h"

namespace penstock::ingest {
namespace {

constexpr std::uint64_t kMaxVectors = 1ULL << 30;  // bytes of a file of deletion vectors
constexpr std::size_t kUuidText = 20;              // 16 bytes in Z85
// Of readerFeatures; all but what needs nothing of a reader is done here.
const std::set<std::string> kKnown = {"columnMapping",        "deletionVectors",
                                      "timestampNtz",         "typeWidening",
                                      "typeWidening-preview", "vacuumProtocolCheck"};

std::string Dashed(const std::string& bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    constexpr const char* kDigits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(bytes[i]);
    if (i == 4 || i == 6 || i == 8 || i == 10) out += '-';
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

Result<void> CheckProtocol(const Json& protocol) {
  const Json& least = Member(protocol, "minReaderVersion");
  if (!IsInt64(least)) return Invalid("its log has no protocol (minReaderVersion)");
  const auto version = least.get<std::int64_t>();
  if (version <= 2) return {};
  if (version > 3)
    return Invalid("asks for version " + std::to_string(version) +
                   " of Delta's protocol for readers; 1 to 3 are read");
  std::string unknown;
  for (const auto& feature : Member(protocol, "readerFeatures")) {
    const std::string name = feature.is_string() ? feature.get<std::string>() : feature.dump();
    if (!kKnown.contains(name)) unknown += (unknown.empty() ? "" : ", ") + plan::Shown(name, 80);
  }
  if (unknown.empty()) return {};
  return Invalid("needs what is not read here (readerFeatures): " + unknown +
                 "; write it as a table without it, or drop the feature (ALTER TABLE ... DROP "
                 "FEATURE)");
}

Result<ColumnMapping> MappingOf(const Json& metadata) {
  const std::string mode = TextAt(Member(metadata, "configuration"), "delta.columnMapping.mode");
  if (mode.empty() || mode == "none") return ColumnMapping::kNone;
  if (mode == "name") return ColumnMapping::kByName;
  if (mode == "id") return ColumnMapping::kById;
  return Invalid("its delta.columnMapping.mode '" + plan::Shown(mode, 40) + "' is not known here");
}

class DeltaOpener {
 public:
  DeltaOpener(Place& place, const DeltaWish& wish) : place_(place), wish_(wish) {}

  Result<TableState> Open() {
    PENSTOCK_ASSIGN(log_, ReadDeltaLog(place_, wish_.version));
    PENSTOCK_TRY(CheckProtocol(log_.protocol));
    const std::string id = TextAt(log_.metadata, "id");
    if (!wish_.table.empty() && wish_.table != id)
      return Invalid("is the table " + plan::Shown(id, 80) + ", and the URI names " + wish_.table +
                     ": it was made anew in the place of that one");
    const std::string format = TextAt(Member(log_.metadata, "format"), "provider");
    if (format != "parquet" && !format.empty())
      return Invalid("its files are " + plan::Shown(format, 40) + ", and only Parquet is read");
    PENSTOCK_ASSIGN(const auto mapping, MappingOf(log_.metadata));
    PENSTOCK_ASSIGN(state_.columns, DeltaColumns(TextAt(log_.metadata, "schemaString"), mapping));
    PENSTOCK_TRY(FindPartitions());
    for (const Json* add : ByVectors()) {
      if (auto added = AddFile(*add); !added)
        return Wrap("file " + plan::Shown(TextAt(*add, "path"), 200), added.error());
    }
    std::sort(state_.files.begin(), state_.files.end(),
              [](const auto& a, const auto& b) { return a.path < b.path; });
    const std::string version = std::to_string(log_.version);
    state_.format = "Delta";
    state_.told =
        "Delta table, version " + version + " (?version=" + version + "&table=" + id + ")";
    state_.fingerprint = DeltaFingerprint(id, log_.version);
    return std::move(state_);
  }

 private:
  // The columns whose values are in the log, by the name that the log has for each.
  Result<void> FindPartitions() {
    for (const auto& name : Member(log_.metadata, "partitionColumns")) {
      const auto column = std::find_if(
          state_.columns.begin(), state_.columns.end(),
          [&](const auto& c) { return name.is_string() && c.name == name.get<std::string>(); });
      if (column == state_.columns.end())
        return Invalid("its partition column " + plan::Shown(name.dump(), 120) +
                       " is none of its columns");
      partitions_.push_back(&*column);
    }
    return {};
  }

  // Those behind one another whose deletion vectors lie in one file, which is then fetched once.
  [[nodiscard]] std::vector<const Json*> ByVectors() const {
    std::vector<std::pair<std::string, const Json*>> order;
    for (const auto& [key, add] : log_.files)
      order.emplace_back(TextAt(Member(add, "deletionVector"), "pathOrInlineDv"), &add);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<const Json*> files;
    files.reserve(order.size());
    for (const auto& [vector, add] : order) files.push_back(add);
    return files;
  }

  Result<void> AddFile(const Json& add) {
    TableFile file;
    PENSTOCK_ASSIGN(file.path, PathOf(TextAt(add, "path")));
    if (IsInt64(Member(add, "size"))) file.bytes = Member(add, "size").get<std::int64_t>();
    file.rows = RowsOf(add);
    for (const TableColumn* column : partitions_) {
      auto value = ValueOf(*column, Member(add, "partitionValues"));
      if (!value) return Wrap("partition '" + plan::Shown(column->name, 120) + "'", value.error());
      file.constants[column->name] = *std::move(value);
    }
    if (Member(add, "deletionVector").is_object()) {
      PENSTOCK_ASSIGN(file.deleted, DeletedOf(Member(add, "deletionVector")));
    }
    state_.files.push_back(std::move(file));
    return {};
  }

  static std::int64_t RowsOf(const Json& add) {
    const Json& rows = Member(add, "numRecords");
    return IsInt64(rows) ? rows.get<std::int64_t>() : -1;
  }

  // Written as the path of a URI: with %20 for a space.
  Result<std::string> PathOf(const std::string& written) {
    PENSTOCK_ASSIGN(const std::string path, net::UrlDecode(written));
    if (path.starts_with('/') || path.find("://") != std::string::npos || path.starts_with("file:"))
      return place_.Within(path, "");
    return place_.Relative(path);
  }

  static Result<Json> WrittenOf(const std::string& name, const Json& values) {
    if (values.is_object() && values.contains(name)) return values[name];
    const Json* found = nullptr;
    if (values.is_object()) {
      for (const auto& [key, value] : values.items()) {
        if (!DiffersByCase(key, name)) continue;
        if (found != nullptr) return Invalid("stands twice in partitionValues, by case");
        found = &value;
      }
    }
    if (found == nullptr) return Invalid("is missing in the log (partitionValues)");
    return *found;
  }

  static Result<std::shared_ptr<arrow::Scalar>> ValueOf(const TableColumn& column,
                                                        const Json& values) {
    PENSTOCK_ASSIGN(const Json value, WrittenOf(column.file_names.front(), values));
    if (value.is_null()) return std::shared_ptr<arrow::Scalar>();
    if (!value.is_string()) return Invalid("its value " + value.dump() + " is no text");
    const auto text = value.get<std::string>();
    if (text.empty()) return std::shared_ptr<arrow::Scalar>();  // the protocol's null
    return ScalarFromText(text, column.type);
  }

  Result<std::vector<std::int64_t>> DeletedOf(const Json& vector) {
    auto deleted = ReadVector(vector);
    if (!deleted) return Wrap("its deletion vector", deleted.error());
    const Json& count = Member(vector, "cardinality");
    if (IsInt64(count) && count.get<std::int64_t>() != std::int64_t(deleted->size()))
      return Invalid("its deletion vector holds " + std::to_string(deleted->size()) +
                     " rows, and the log says " + count.dump());
    return deleted;
  }

  Result<std::vector<std::int64_t>> ReadVector(const Json& vector) {
    const std::string kind = TextAt(vector, "storageType");
    const std::string where = TextAt(vector, "pathOrInlineDv");
    if (kind == "i") {
      PENSTOCK_ASSIGN(const std::string bytes, DecodeZ85(where));
      const Json& size = Member(vector, "sizeInBytes");
      if (!IsInt64(size) || size.get<std::int64_t>() < 0 ||
          std::size_t(size.get<std::int64_t>()) > bytes.size())
        return Invalid("is shorter than its sizeInBytes");
      return ParseDeletionVector(
          std::string_view(bytes).substr(0, std::size_t(size.get<std::int64_t>())));
    }
    std::string path;
    if (kind == "u") {
      if (where.size() < kUuidText) return Invalid("has no name: '" + plan::Shown(where, 80) + "'");
      PENSTOCK_ASSIGN(const std::string uuid, DecodeZ85(where.substr(where.size() - kUuidText)));
      const std::string prefix = where.substr(0, where.size() - kUuidText);
      path = (prefix.empty() ? "" : prefix + "/") + "deletion_vector_" + Dashed(uuid) + ".bin";
      PENSTOCK_ASSIGN(path, place_.Relative(path));
    } else if (kind == "p") {
      PENSTOCK_ASSIGN(path, PathOf(where));
    } else {
      return Invalid("is kept in a way that is not known here (storageType " +
                     plan::Shown(kind, 40) + ")");
    }
    const Json& offset = Member(vector, "offset");
    const bool there = IsInt64(offset) && offset.get<std::int64_t>() >= 0;
    if (!there && !offset.is_null()) return Invalid("has the offset " + offset.dump());
    // Vectors of many files lie in one.
    if (path != vectors_path_) {
      PENSTOCK_ASSIGN(vectors_, place_.Text(path, kMaxVectors));
      vectors_path_ = path;
    }
    return DeletionVectorAt(vectors_, there ? std::uint64_t(offset.get<std::int64_t>()) : 1);
  }

  Place& place_;
  const DeltaWish& wish_;
  DeltaLog log_;
  TableState state_;
  std::vector<const TableColumn*> partitions_;
  std::string vectors_path_;
  std::string vectors_;
};

}  // namespace

Result<TableState> OpenDelta(Place& place, const DeltaWish& wish) {
  return DeltaOpener(place, wish).Open();
}

}  // namespace penstock::ingest
