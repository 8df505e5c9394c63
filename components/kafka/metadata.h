// What Kafka itself knows of a message, as columns: kafka_partition, kafka_offset (int64),
// kafka_timestamp (timestamp), kafka_key (string, or binary). Used by one thread.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "components/kafka/spill.h"
#include "operator/base/result.h"

namespace penstock::kafka {

enum class Metadata : std::uint8_t { kKey, kKeyBytes, kPartition, kOffset, kTimestamp };

// The parameter's words: key, keyBytes, partition, offset, timestamp.
[[nodiscard]] const std::vector<std::string>& MetadataNames();
[[nodiscard]] Metadata MetadataOf(const std::string& name);  // one of those

class MetadataColumns {
 public:
  [[nodiscard]] static Result<std::unique_ptr<MetadataColumns>> Make(std::vector<Metadata> columns);
  ~MetadataColumns();
  MetadataColumns(const MetadataColumns&) = delete;
  MetadataColumns& operator=(const MetadataColumns&) = delete;

  [[nodiscard]] const arrow::FieldVector& fields() const { return fields_; }
  [[nodiscard]] Result<void> Add(std::int32_t partition, const SpilledMessage& message);
  // Those of the messages that were added since.
  [[nodiscard]] Result<arrow::ArrayVector> Take();

 private:
  explicit MetadataColumns(std::vector<Metadata> columns);
  const std::vector<Metadata> columns_;
  arrow::FieldVector fields_;
  std::vector<std::unique_ptr<arrow::ArrayBuilder>> builders_;
};

}  // namespace penstock::kafka
