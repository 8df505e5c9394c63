// Data that tests of components share: small tables, temporary folders. For tests only.
#pragma once

#include <arrow/api.h>

#include <memory>
#include <string>
#include <vector>

#include "components/sdk/dataset.h"

namespace penstock::sdk {

// A folder that is removed with the object.
class TestFolder {
 public:
  TestFolder();
  ~TestFolder();
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

// A batch from JSON rows: fields and [[1, "a"], [null, "b"]]. Throws on a mistake of the test.
[[nodiscard]] std::shared_ptr<arrow::RecordBatch> BatchOf(const arrow::FieldVector& fields,
                                                          const std::string& rows);

// Writes the batches as a dataset.
void WriteDataset(const std::string& folder,
                  const std::vector<std::shared_ptr<arrow::RecordBatch>>& batches);

// All rows in one batch.
[[nodiscard]] std::shared_ptr<arrow::RecordBatch> ReadDataset(const std::string& folder);

}  // namespace penstock::sdk
