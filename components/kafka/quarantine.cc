#include "components/kafka/quarantine.h"

#include "components/kafka/span.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::kafka {

Result<void> Quarantine::Begin() {
  count_ = 0;
  return rows_.Begin();
}

Result<void> Quarantine::Add(std::int32_t partition, std::int64_t offset, const std::string& reason,
                             std::string_view raw) {
  if (is_error_) {
    return Invalid(PartitionName(partition) + ", offset " + std::to_string(offset) + ": " + reason +
                   "; it begins with '" + plan::Shown(std::string(raw.substr(0, 60)), 60) +
                   "' (onBadRow: Quarantine leaves such messages out and keeps them)");
  }
  ++count_;
  return rows_.Add({partition, offset}, reason, raw);
}

Result<void> Quarantine::TakeOver(Quarantine& other) {
  count_ += other.count_;
  return rows_.TakeOver(other.rows_);
}

}  // namespace penstock::kafka
