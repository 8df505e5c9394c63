// Between rows of JSON and the Open Inference Protocol V2's columns. Pure.
#pragma once

#include <string>

#include "operator/base/json_fwd.h"
#include "operator/base/result.h"
#include "operator/cli/objects/table.h"

namespace penstock::cli {

// One object, a list of objects, or an object a line. Invalid says the line.
[[nodiscard]] Result<Json> ParseRows(const std::string& text, const std::string& what);

// A column an input of the model's metadata; a row that lacks a column gives null. Invalid for a
// key that is no input (with those that exist) and for a model that does not take columns.
[[nodiscard]] Result<Json> BuildInferRequest(const Json& metadata, const Json& rows);

// A column an output, a row a row. kInternal for an answer of another shape.
[[nodiscard]] Result<Table> AnswerTable(const Json& answer);

}  // namespace penstock::cli
