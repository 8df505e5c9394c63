// Where rows go: through the sample into the dataset. Used by one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "components/ingest/parts/unite.h"
#include "components/sdk/dataset.h"

namespace penstock::ingest {

class Sink {
 public:
  // `sample`: the share of the rows that are kept, chosen by what is in them.
  Sink(std::string folder, double sample) : folder_(std::move(folder)), sample_(sample) {}

  // Starts over: what was written before is dropped.
  [[nodiscard]] Result<void> Begin(UnitePlan plan);
  // A part's rows begin again at 1.
  void BeginPart() { next_row_ = 1; }
  [[nodiscard]] Result<void> Write(const arrow::RecordBatch& batch);
  [[nodiscard]] Result<void> Finish();

  // Something else that is to be said of what was read.
  void Note(std::string note) { plan_.notes.push_back(std::move(note)); }

  [[nodiscard]] const UnitePlan& plan() const { return plan_; }
  [[nodiscard]] std::int64_t rows_read() const { return rows_read_; }
  [[nodiscard]] std::int64_t rows() const { return writer_->rows(); }
  [[nodiscard]] const std::vector<std::int64_t>& null_counts() const {
    return writer_->null_counts();
  }

 private:
  std::string folder_;
  double sample_;
  UnitePlan plan_;
  std::unique_ptr<sdk::DatasetWriter> writer_;
  std::int64_t next_row_ = 1;
  std::int64_t rows_read_ = 0;
};

}  // namespace penstock::ingest
