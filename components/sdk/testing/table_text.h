// A dataset as a test reads it.
#pragma once

#include <arrow/api.h>

#include <cstdint>
#include <string>

#include "components/sdk/dataset.h"
#include "components/sdk/schema.h"

namespace penstock::sdk {

// "name:type " for each column of the schema, then "a|b|" a row; what no cell has as Arrow says.
// Of one that cannot be read its error.
inline std::string TableText(const std::string& dataset, const Schema& schema) {
  auto reader = DatasetReader::Open(dataset);
  if (!reader) return reader.error().message;
  std::string out;
  for (const auto& c : schema.columns) out += c.name + ":" + c.type + " ";
  for (;;) {
    const auto batch = (*reader)->Next();
    if (!batch) return batch.error().message;
    if (*batch == nullptr) return out;
    const auto& source = (*reader)->source();
    for (std::int64_t r = 0; r < source->num_rows(); ++r) {
      out += "\n";
      for (const auto& column : source->columns())
        out += column->GetScalar(r).ValueOrDie()->ToString() + "|";
    }
  }
}

}  // namespace penstock::sdk
