// Avro's object container files (Apache Avro 1.11 specification), as Iceberg's manifests are
// written. Debian has no reader of them for C++. Bytes of others: every length is held against what
// is there. Pure.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::ingest {

struct AvroHead {
  std::map<std::string, std::string> metadata;
  Json schema;  // as it is written
};

// Each record as JSON: bytes and fixed as texts (which may be no UTF-8), a union as the value of
// its branch, a map as an object. Codecs null, deflate, snappy and zstandard. Invalid names what is
// wrong, and any other codec.
using OnAvroRecord = std::function<Result<void>(const AvroHead&, const Json&)>;
[[nodiscard]] Result<void> ReadAvro(std::string_view file, const OnAvroRecord& on_record);

}  // namespace penstock::ingest
