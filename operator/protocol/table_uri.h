// A table of a lake by its URI, and which state of it is read:
//
//   delta+s3://bucket/orders            the newest version
//   delta+s3://bucket/orders?version=12&table=ID   that version of the table whose id that is
//   iceberg+file:///lake/orders         what version-hint.text says
//   iceberg+s3://bucket/orders/metadata/00003-x.metadata.json   what that file says
//   iceberg+s3://bucket/orders?snapshot=ID         that snapshot
//
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "operator/base/result.h"

namespace penstock {

enum class TableFormat : std::uint8_t { kDelta, kIceberg };

struct TableUri {
  TableFormat format = TableFormat::kDelta;
  std::string place;                   // s3://bucket/orders or file:///lake/orders
  std::optional<std::int64_t> number;  // Delta's version, or Iceberg's snapshot
  std::string table;                   // Delta: the id that the table must have; empty: any
};

// delta+..., iceberg+...: whatever stands behind.
[[nodiscard]] bool IsTableUri(const std::string& uri);
// Invalid for anything else than the above, and says what is meant.
[[nodiscard]] Result<TableUri> ParseTableUri(const std::string& uri);

// What identifies a state for good. A Delta table's versions begin anew where a table is made anew
// in its place, so that its id belongs to it; a snapshot's number is drawn at random.
[[nodiscard]] std::string DeltaFingerprint(const std::string& table, std::int64_t version);
[[nodiscard]] std::string IcebergFingerprint(std::int64_t snapshot);
// The fingerprint that a URI says by itself; empty where it does not say which state is read.
[[nodiscard]] std::string FingerprintOf(const TableUri& uri);

}  // namespace penstock
