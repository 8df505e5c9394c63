#include "operator/protocol/table_uri.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <string_view>

namespace penstock {
namespace {

constexpr std::string_view kDeltaStart = "delta+";
constexpr std::string_view kIcebergStart = "iceberg+";
constexpr std::size_t kLongestId = 128;

std::optional<std::int64_t> NumberFrom(std::string_view text) {
  std::int64_t number = 0;
  const auto end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, number);
  if (read.ec != std::errc() || read.ptr != end || number < 0) return std::nullopt;
  return number;
}

bool IsTableId(std::string_view text) {
  return !text.empty() && text.size() <= kLongestId &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.';
         });
}

Result<void> ReadWord(std::string_view word, TableUri& uri) {
  const auto equals = word.find('=');
  const std::string_view name = word.substr(0, equals);
  const std::string_view value = equals == std::string_view::npos ? "" : word.substr(equals + 1);
  const bool delta = uri.format == TableFormat::kDelta;
  if (name == (delta ? "version" : "snapshot")) {
    uri.number = NumberFrom(value);
    if (uri.number) return {};
    return Invalid("its " + std::string(name) + " is a whole number, such as " +
                   (delta ? "?version=12" : "?snapshot=3051729675574597004"));
  }
  if (delta && name == "table") {
    uri.table = value;
    if (IsTableId(value)) return {};
    return Invalid("its table is the id of a Delta table, as ingest says it when it has read one");
  }
  return Invalid(delta ? "behind the ? of a Delta table stand version=NUMBER and table=ID, with & "
                         "between them"
                       : "behind the ? of an Iceberg table stands snapshot=NUMBER");
}

}  // namespace

bool IsTableUri(const std::string& uri) {
  return uri.starts_with(kDeltaStart) || uri.starts_with(kIcebergStart);
}

Result<TableUri> ParseTableUri(const std::string& text) {
  if (!IsTableUri(text)) return Invalid("is no table: delta+s3://bucket/orders");
  TableUri uri;
  uri.format = text.starts_with(kDeltaStart) ? TableFormat::kDelta : TableFormat::kIceberg;
  const bool delta = uri.format == TableFormat::kDelta;
  const std::string rest = text.substr((delta ? kDeltaStart : kIcebergStart).size());
  const auto query = rest.find('?');
  uri.place = rest.substr(0, query);
  if (!uri.place.starts_with("s3://") && !uri.place.starts_with("file://")) {
    return Invalid("a table lies in a bucket or a folder: " + text.substr(0, text.find('+')) +
                   "+s3://bucket/orders or " + text.substr(0, text.find('+')) +
                   "+file:///lake/orders");
  }
  while (uri.place.ends_with('/')) uri.place.pop_back();
  const bool s3 = uri.place.starts_with("s3:");
  const auto authority = uri.place.find("//");
  const auto slash =
      authority == std::string::npos ? std::string::npos : uri.place.find('/', authority + 2);
  if (slash == std::string::npos || (s3 && slash == authority + 2))
    return Invalid("names no table: the folder of the table stands behind " +
                   std::string(s3 ? "s3://bucket/" : "file:///"));
  if (uri.place.find('#') != std::string::npos) return Invalid("has a #; it is written %23");
  if (query == std::string::npos) return uri;
  const std::string_view words = std::string_view(rest).substr(query + 1);
  for (std::size_t begin = 0; begin <= words.size();) {
    const auto end = std::min(words.find('&', begin), words.size());
    if (auto read = ReadWord(words.substr(begin, end - begin), uri); !read) return read.error();
    begin = end + 1;
  }
  if (!uri.table.empty() && !uri.number)
    return Invalid("has the table's id and no version: ?version=12&table=" + uri.table);
  return uri;
}

std::string DeltaFingerprint(const std::string& table, std::int64_t version) {
  return "delta:" + table + ":" + std::to_string(version);
}

std::string IcebergFingerprint(std::int64_t snapshot) {
  return "iceberg:" + std::to_string(snapshot);
}

std::string FingerprintOf(const TableUri& uri) {
  if (!uri.number) return "";
  if (uri.format == TableFormat::kIceberg) return IcebergFingerprint(*uri.number);
  return uri.table.empty() ? "" : DeltaFingerprint(uri.table, *uri.number);
}

}  // namespace penstock
