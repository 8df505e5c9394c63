// What is to be made of the columns: steps without constants. Pure.
//
//   NamedSteps       the operations that a person names (named.cc)
//   AutomaticSteps   where nothing is named: by type and what the values are like (automatic.cc)
#pragma once

#include <map>
#include <string>
#include <vector>

#include "components/model_format/transform.h"
#include "components/transform/column_table.h"
#include "operator/base/json.h"
#include "operator/base/result.h"

namespace penstock::transform {

// An operation on a column as it is named in the parameters; a cross has two columns.
struct Operation {
  std::string name;  // scale, oneHot, ...
  std::vector<std::string> columns;
  Json parameters = Json::object();
};

// The names of all operations.
[[nodiscard]] std::vector<std::string> OperationNames();

struct Plan {
  std::vector<sdk::TransformStep> steps;  // inputs are indices into the columns given
  std::vector<sdk::DroppedColumn> dropped;
};

// A step that another one already is, but for its views, is not there twice.
void AddStep(std::vector<sdk::TransformStep>& steps, sdk::TransformStep step);

// `columns` are those that operations name, with their types. Invalid names operation, column and
// parameter.
[[nodiscard]] Result<Plan> NamedSteps(const std::vector<Operation>& operations, const Json& impute,
                                      const std::vector<sdk::Column>& columns);

[[nodiscard]] Result<Plan> AutomaticSteps(const ColumnTable& table, const Json& impute,
                                          const std::vector<sdk::Column>& columns);

// How nulls of a column are imputed, from the parameter: into the step's recipe. Invalid for a
// method that does not go with the operation.
[[nodiscard]] Result<void> SetImpute(const Json& impute, const std::string& column,
                                     sdk::TransformStep& step);

}  // namespace penstock::transform
