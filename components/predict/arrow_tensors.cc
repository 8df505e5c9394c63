#include "components/predict/arrow_tensors.h"

#include <arrow/api.h>

#include <numeric>

#include "components/sdk/arrow_result.h"
#include "operator/base/try.h"

namespace penstock::predict {
namespace {

using model::Datatype;
using model::InputTensor;
using model::Tensor;

// Values a row: the product of all dimensions but the first; 0 when one is left open.
std::int64_t WidthOf(const model::Shape& shape) {
  std::int64_t width = 1;
  for (std::size_t i = 1; i < shape.size(); ++i) width = shape[i] < 0 ? 0 : width * shape[i];
  return width;
}

template <typename Array, typename T>
std::vector<T> Values(const arrow::Array& array) {
  const auto& own = static_cast<const Array&>(array);
  std::vector<T> values(static_cast<std::size_t>(array.length()));
  for (std::int64_t i = 0; i < array.length(); ++i) {
    if (!array.IsNull(i)) values[static_cast<std::size_t>(i)] = static_cast<T>(own.Value(i));
  }
  return values;
}

// A column without a value has no type: nulls, whatever the file calls it and the input takes.
void FillNulls(const arrow::Array& array, const model::InputSpec& spec, InputTensor* input) {
  const auto rows = static_cast<std::size_t>(array.length());
  input->nulls.assign(rows, 1);
  if (spec.datatype == Datatype::kBytes) {
    input->datatype = Datatype::kBytes;
    input->data = std::vector<std::string_view>(rows);
  } else {
    input->datatype = Datatype::kFp64;
    input->data = std::vector<double>(rows);
  }
}

// Text that was read as something else has lost how it was written.
Result<void> CheckText(const arrow::Array& array, const model::InputSpec& spec) {
  const auto type = array.type_id();
  if (spec.datatype != Datatype::kBytes || spec.is_time || type == arrow::Type::STRING) return {};
  return Invalid("column '" + spec.name + "' is of type " + array.type()->ToString() +
                 ", the model takes text, and 00501 read as a number is 501: ingest the file with "
                 "types: {" +
                 spec.name + ": string}");
}

Result<void> Fill(const arrow::Array& array, const model::InputSpec& spec, InputTensor* input) {
  input->typed = true;
  if (array.length() > 0 && array.null_count() == array.length()) {
    FillNulls(array, spec, input);
    return {};
  }
  PENSTOCK_TRY(CheckText(array, spec));
  if (array.null_count() > 0) {
    input->nulls.resize(static_cast<std::size_t>(array.length()));
    for (std::int64_t i = 0; i < array.length(); ++i) {
      input->nulls[static_cast<std::size_t>(i)] = array.IsNull(i) ? 1 : 0;
    }
  }
  switch (array.type_id()) {
    case arrow::Type::STRING: {
      const auto& texts = static_cast<const arrow::StringArray&>(array);
      std::vector<std::string_view> values(static_cast<std::size_t>(array.length()));
      for (std::int64_t i = 0; i < array.length(); ++i) {
        if (!array.IsNull(i)) values[static_cast<std::size_t>(i)] = texts.GetView(i);
      }
      input->datatype = Datatype::kBytes;
      input->data = std::move(values);
      return {};
    }
    case arrow::Type::BOOL:
      input->datatype = Datatype::kBool;
      input->data = Values<arrow::BooleanArray, std::uint8_t>(array);
      return {};
    case arrow::Type::INT64:
      input->typed = !spec.is_time;  // nothing says its unit: it is held to the server's rule
      input->datatype = Datatype::kInt64;
      input->data = Values<arrow::Int64Array, std::int64_t>(array);
      return {};
    case arrow::Type::TIMESTAMP:
      if (spec.is_column && !spec.is_time) {
        return Invalid("column '" + spec.name + "' is of type " + array.type()->ToString() +
                       ", the model takes " + Name(spec.datatype));
      }
      input->datatype = Datatype::kInt64;
      input->data = Values<arrow::TimestampArray, std::int64_t>(array);
      return {};
    case arrow::Type::DOUBLE:
      input->datatype = Datatype::kFp64;
      input->data = Values<arrow::DoubleArray, double>(array);
      return {};
    case arrow::Type::FLOAT:
      input->datatype = Datatype::kFp32;
      input->data = Values<arrow::FloatArray, float>(array);
      return {};
    default:
      return Invalid("column '" + spec.name + "' is of type " + array.type()->ToString() +
                     ", which no model takes");
  }
}

// The elements of lists of one length.
Result<std::shared_ptr<arrow::Array>> Flatten(const arrow::Array& array, const std::string& name,
                                              std::int64_t width) {
  const auto wrong = [&](std::int64_t row, const std::string& what) {
    return Invalid("column '" + name + "' row " + std::to_string(row) + " " + what +
                   ", the model takes " + std::to_string(width) + " values");
  };
  for (std::int64_t i = 0; i < array.length(); ++i) {
    if (array.IsNull(i)) return wrong(i, "is null");
  }
  if (array.type_id() == arrow::Type::FIXED_SIZE_LIST) {
    const auto& lists = static_cast<const arrow::FixedSizeListArray&>(array);
    if (lists.value_length() != width) {
      return wrong(0, "has " + std::to_string(lists.value_length()));
    }
    return sdk::FromArrow(lists.Flatten(), name);
  }
  if (array.type_id() != arrow::Type::LIST) {
    return Invalid("column '" + name + "' is of type " + array.type()->ToString() +
                   ", the model takes lists of " + std::to_string(width));
  }
  const auto& lists = static_cast<const arrow::ListArray&>(array);
  for (std::int64_t i = 0; i < array.length(); ++i) {
    if (lists.value_length(i) != width) {
      return wrong(i, "has " + std::to_string(lists.value_length(i)));
    }
  }
  return sdk::FromArrow(lists.Flatten(), name);
}

template <typename Builder, typename Values>
Result<std::shared_ptr<arrow::Array>> Build(const Values& values) {
  Builder builder;
  for (const auto& value : values) {
    PENSTOCK_TRY(sdk::FromArrow(builder.Append(value), "output"));
  }
  return sdk::FromArrow(builder.Finish(), "output");
}

Result<std::shared_ptr<arrow::Array>> BuildValues(const Tensor& tensor) {
  return std::visit(
      [&](const auto& values) -> Result<std::shared_ptr<arrow::Array>> {
        using T = typename std::decay_t<decltype(values)>::value_type;
        if constexpr (std::is_same_v<T, std::string>) {
          return Build<arrow::StringBuilder>(values);
        } else if constexpr (std::is_same_v<T, std::int64_t>) {
          return Build<arrow::Int64Builder>(values);
        } else if constexpr (std::is_same_v<T, std::uint8_t>) {
          return Build<arrow::BooleanBuilder>(values);
        } else {
          return Build<arrow::DoubleBuilder>(values);
        }
      },
      tensor.data);
}

}  // namespace

Result<InputTensor> ToInput(const arrow::Array& array, const model::InputSpec& spec) {
  InputTensor input;
  input.name = spec.name;
  input.shape = {array.length()};
  const std::int64_t width = WidthOf(spec.shape);
  if (spec.is_column || spec.shape.size() == 1) {
    PENSTOCK_TRY(Fill(array, spec, &input));
    return input;
  }
  if (width == 0) {
    return Invalid("input '" + spec.name + "' has shape " + model::FormatShape(spec.shape) +
                   "; a dataset can only give a fixed number of values a row");
  }
  for (std::size_t i = 1; i < spec.shape.size(); ++i) input.shape.push_back(spec.shape[i]);
  const bool nested =
      array.type_id() == arrow::Type::FIXED_SIZE_LIST || array.type_id() == arrow::Type::LIST;
  if (width == 1 && !nested) {
    PENSTOCK_TRY(Fill(array, spec, &input));
    return input;
  }
  PENSTOCK_ASSIGN(const auto values, Flatten(array, spec.name, width));
  PENSTOCK_TRY(Fill(*values, spec, &input));
  return input;
}

std::shared_ptr<arrow::DataType> TypeOf(const model::OutputSpec& spec) {
  std::shared_ptr<arrow::DataType> type = arrow::float64();
  if (spec.datatype == Datatype::kBytes) type = arrow::utf8();
  if (spec.datatype == Datatype::kBool) type = arrow::boolean();
  if (model::IsInteger(spec.datatype)) type = arrow::int64();
  const std::int64_t width = WidthOf(spec.shape);
  return spec.shape.size() == 1 ? type : arrow::fixed_size_list(type, static_cast<int>(width));
}

Result<std::shared_ptr<arrow::Array>> ToArrow(const Tensor& tensor, const model::OutputSpec& spec) {
  PENSTOCK_ASSIGN(const auto values, BuildValues(tensor));
  if (spec.shape.size() == 1) return values;
  return sdk::FromArrow(
      arrow::FixedSizeListArray::FromArrays(values, static_cast<int>(WidthOf(spec.shape))),
      "output '" + spec.name + "'");
}

}  // namespace penstock::predict
