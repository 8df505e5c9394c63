// What columns of a PostgreSQL answer become: each type that a dataset holds exactly; any other is
// refused by name, with what to write in the query instead.
#pragma once

#include <arrow/type_fwd.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "components/postgres/connection.h"
#include "operator/base/result.h"

namespace penstock::postgres {

// How values of a type come over the wire.
enum class Wire : std::uint8_t {
  kBool,
  kInt16,
  kInt32,
  kInt64,
  kOid,
  kFloat32,
  kFloat64,
  kNumeric,
  kText,
  kJsonb,
  kBytes,
  kDate,
  kTime,
  kTimestamp,
  kUuid,
};

struct ColumnPlan {
  std::string name;
  Wire wire = Wire::kText;  // of the elements, of a list
  bool list = false;
  std::shared_ptr<arrow::DataType> value_type;  // of the elements, of a list
  std::shared_ptr<arrow::DataType> type;
};

// A type of the server's catalogue. `send` names the server's own function that writes it: enums,
// domains and citext have those of what they are.
struct CatalogType {
  std::string name;     // as SQL writes it
  std::string send;     // empty: of an extension
  std::string element;  // of an array, the elements' `send`
};
using Catalog = std::map<std::uint32_t, CatalogType>;  // by oid

// Pure. Invalid names every column that has no type here, and what to do with each.
[[nodiscard]] Result<std::vector<ColumnPlan>> PlanColumns(const std::vector<AnswerColumn>& columns,
                                                          const Catalog& catalog);

// The types of these columns, asked of the server within the connection's transaction. What was
// prepared before is forgotten.
[[nodiscard]] Result<Catalog> ReadCatalog(Connection& connection,
                                          const std::vector<AnswerColumn>& columns);

}  // namespace penstock::postgres
