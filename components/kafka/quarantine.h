// Messages that did not become rows, as a dataset: partition, offset (int64), reason (string), raw
// (binary). Used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "components/ingest/csv/bad_rows.h"
#include "operator/base/result.h"

namespace penstock::kafka {

class Quarantine {
 public:
  // Empty folder: nothing is kept, and what is bad is an error of Add that names its place.
  Quarantine(std::string folder, bool is_error)
      : rows_(std::move(folder), {"partition", "offset"}), is_error_(is_error) {}

  [[nodiscard]] bool keeps() const { return rows_.keeps(); }
  [[nodiscard]] bool is_error() const { return is_error_; }

  // Starts over.
  [[nodiscard]] Result<void> Begin();
  // Invalid where what is bad is an error.
  [[nodiscard]] Result<void> Add(std::int32_t partition, std::int64_t offset,
                                 const std::string& reason, std::string_view raw);
  // What the other one, of another folder, has. That is finished by it.
  [[nodiscard]] Result<void> TakeOver(Quarantine& other);
  [[nodiscard]] Result<void> Finish() { return rows_.Finish(); }
  [[nodiscard]] std::int64_t count() const { return count_; }

 private:
  ingest::BadRows rows_;
  const bool is_error_;
  std::int64_t count_ = 0;
};

}  // namespace penstock::kafka
