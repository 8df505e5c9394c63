#include "components/ingest/lake/delta_log.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <vector>

#include "components/ingest/lake/actions.h"
#include "operator/base/json_member.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::ingest {
namespace {

constexpr const char* kFolder = "_delta_log";
constexpr std::uint64_t kMaxCommit = 1ULL << 30;
constexpr std::size_t kDigits = 20;  // of a version in a name
constexpr std::size_t kMostFiles = 2'000'000;

std::optional<std::int64_t> Digits(std::string_view text) {
  std::int64_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool good = read.ec == std::errc() && read.ptr == text.data() + text.size();
  return good && number >= 0 ? std::optional(number) : std::nullopt;
}

std::string Padded(std::int64_t version, const std::string& rest) {
  std::string digits = std::to_string(version);
  return std::string(kFolder) + "/" + std::string(kDigits - std::min(kDigits, digits.size()), '0') +
         digits + rest;
}

// A checkpoint's parts, of which there are `of`.
struct Parts {
  std::size_t of = 0;
  std::vector<std::string> names;
};

// What the folder of the log holds.
struct Listing {
  std::set<std::int64_t> commits;
  std::map<std::int64_t, std::map<std::size_t, Parts>> checkpoints;  // by version and parts
  bool other_checkpoints = false;  // of names with a UUID, as v2Checkpoint has them

  void Add(const std::string& name) {
    const auto dot = name.find('.');
    if (dot != kDigits) return;
    const auto version = Digits(name.substr(0, dot));
    if (!version) return;
    const std::string rest = name.substr(dot);
    if (rest == ".json") commits.insert(*version);
    if (rest == ".checkpoint.parquet") checkpoints[*version][1] = {1, {name}};
    if (!rest.starts_with(".checkpoint.") || rest == ".checkpoint.parquet") return;
    // .checkpoint.0000000001.0000000003.parquet
    const std::string place = rest.substr(std::string(".checkpoint.").size());
    const auto middle = place.find('.');
    const auto end = place.find('.', middle + 1);
    const auto part = Digits(place.substr(0, middle));
    const auto of = end == std::string::npos ? std::nullopt
                                             : Digits(place.substr(middle + 1, end - middle - 1));
    if (!part || !of || place.substr(end) != ".parquet") {
      other_checkpoints = true;
      return;
    }
    Parts& parts = checkpoints[*version][std::size_t(*of)];
    parts.of = std::size_t(*of);
    parts.names.push_back(name);
  }
};

class LogReader {
 public:
  explicit LogReader(Place& place) : place_(place) {}

  Result<DeltaLog> Read(std::optional<std::int64_t> wanted) {
    PENSTOCK_TRY(List());
    PENSTOCK_TRY(ChooseVersion(wanted));
    PENSTOCK_ASSIGN(const std::int64_t first, ReadCheckpoint());
    for (std::int64_t version = first; version <= log_.version; ++version) {
      if (!listing_.commits.contains(version)) return Missing(version);
      PENSTOCK_TRY(ReadCommit(version));
    }
    if (log_.metadata.is_null())
      return Invalid(place_.Name(kFolder) + ": the log holds no metaData up to version " +
                     std::to_string(log_.version));
    return std::move(log_);
  }

 private:
  Result<void> List() {
    PENSTOCK_ASSIGN(const auto entries, place_.List(kFolder));
    for (const auto& entry : entries) listing_.Add(entry.name);
    if (!listing_.commits.empty() || !listing_.checkpoints.empty()) return {};
    return Invalid(place_.Name(kFolder) +
                   ": there is no log of a Delta table; name the folder that holds _delta_log");
  }

  Result<void> ChooseVersion(std::optional<std::int64_t> wanted) {
    std::int64_t newest = listing_.commits.empty() ? 0 : *listing_.commits.rbegin();
    if (!listing_.checkpoints.empty())
      newest = std::max(newest, listing_.checkpoints.rbegin()->first);
    log_.version = wanted.value_or(newest);
    if (log_.version <= newest) return {};
    return Invalid("there is no version " + std::to_string(log_.version) +
                   "; the newest of the table is " + std::to_string(newest));
  }

  [[nodiscard]] Error Missing(std::int64_t version) const {
    std::string why = ": the log was cleaned up, and no checkpoint holds what it said";
    if (listing_.other_checkpoints)
      why += " but such of v2Checkpoint (names with a UUID), which are not read";
    return Invalid("version " + std::to_string(log_.version) + " cannot be read, as the commit " +
                   place_.Name(Padded(version, ".json")) + " is missing" + why);
  }

  // The newest that is whole; gives the first commit behind it.
  Result<std::int64_t> ReadCheckpoint() {
    for (auto at = listing_.checkpoints.upper_bound(log_.version);
         at != listing_.checkpoints.begin();) {
      --at;
      for (const auto& [of, parts] : at->second) {
        if (parts.names.size() != of) continue;
        for (const auto& name : parts.names) PENSTOCK_TRY(ReadPart(name));
        return at->first + 1;
      }
    }
    return std::int64_t{0};
  }

  Result<void> ReadPart(const std::string& name) {
    const std::string path = std::string(kFolder) + "/" + name;
    PENSTOCK_ASSIGN(const auto file, place_.Fetch(path, -1));
    auto read = ReadRecords(file.path(), {"protocol", "metaData", "add", "sidecar"},
                            [&](const Json& action) { return Apply(action); });
    if (!read) return Wrap(place_.Name(path), read.error());
    return {};
  }

  Result<void> ReadCommit(std::int64_t version) {
    const std::string path = Padded(version, ".json");
    PENSTOCK_ASSIGN(const std::string text, place_.Text(path, kMaxCommit));
    const std::string name = place_.Name(path);
    for (std::size_t begin = 0, line = 1; begin < text.size(); ++line) {
      const auto end = std::min(text.find('\n', begin), text.size());
      const std::string_view written = std::string_view(text).substr(begin, end - begin);
      begin = end + 1;
      if (written.find_first_not_of(" \r\t") == std::string_view::npos) continue;
      PENSTOCK_ASSIGN(const Json action,
                      ParseJson(written, name + " line " + std::to_string(line)));
      if (auto applied = Apply(action); !applied)
        return Wrap(name + " line " + std::to_string(line), applied.error());
    }
    return {};
  }

  Result<void> Apply(const Json& action) {
    if (const Json& protocol = Member(action, "protocol"); protocol.is_object())
      log_.protocol = protocol;
    if (const Json& metadata = Member(action, "metaData"); metadata.is_object())
      log_.metadata = metadata;
    if (Member(action, "sidecar").is_object())
      return Invalid("is a checkpoint of v2Checkpoint, with sidecars, which are not read");
    if (const Json& remove = Member(action, "remove"); remove.is_object())
      log_.files.erase(KeyOf(remove));
    const Json& add = Member(action, "add");
    if (!add.is_object()) return {};
    if (!Member(add, "path").is_string()) return Invalid("an action add without a path");
    Json kept = Json::object();  // there may be millions
    for (const char* key : {"path", "partitionValues", "size", "deletionVector"})
      if (const Json& value = Member(add, key); !value.is_null()) kept[key] = value;
    if (Json rows = RowsOf(add); !rows.is_null()) kept["numRecords"] = std::move(rows);
    log_.files[KeyOf(add)] = std::move(kept);
    if (log_.files.size() <= kMostFiles) return {};
    return Invalid("the table has more than 2000000 files; make fewer of them (OPTIMIZE)");
  }

  // Statistics are a text of least and greatest values, kilobytes of a wide table; null: they are
  // left out or none, and nothing else follows from them.
  static Json RowsOf(const Json& add) {
    const auto stats = ParseJsonCut(TextAt(add, "stats"), "stats");
    return stats ? Member(*stats, "numRecords") : Json();
  }

  // A file is another one with another deletion vector.
  static std::string KeyOf(const Json& action) {
    std::string key = TextAt(action, "path");
    const Json& vector = Member(action, "deletionVector");
    if (!vector.is_object()) return key;
    key += '\n' + TextAt(vector, "storageType") + TextAt(vector, "pathOrInlineDv");
    const Json& offset = Member(vector, "offset");
    return offset.is_null() ? key : key + "@" + offset.dump();
  }

  Place& place_;
  Listing listing_;
  DeltaLog log_;
};

}  // namespace

Result<DeltaLog> ReadDeltaLog(Place& place, std::optional<std::int64_t> version) {
  return LogReader(place).Read(version);
}

}  // namespace penstock::ingest
