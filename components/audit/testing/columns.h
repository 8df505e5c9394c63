// Small datasets column by column, for tests of audit.
#pragma once

#include <arrow/api.h>

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "components/audit/facts/table.h"
#include "components/sdk/dataset.h"
#include "components/sdk/row_hash.h"
#include "components/sdk/testing/test_data.h"

namespace penstock::audit {

// Uniform in [0, 1), the same for the same numbers.
inline double Uniform(std::uint64_t i, std::uint64_t seed) {
  return sdk::UnitInterval(sdk::MixBits(sdk::MixBits(seed) + i));
}
inline double Normal(std::uint64_t i, std::uint64_t seed) {
  return std::sqrt(-2 * std::log(1 - Uniform(i, seed))) *
         std::cos(2 * M_PI * Uniform(i, seed + 1000));
}

class Columns {
 public:
  // NaN is null.
  Columns& Numbers(const std::string& name, const std::vector<double>& values) {
    return Add<arrow::DoubleBuilder>(
        name, arrow::float64(), values, [](double v) { return v; },
        [](double v) { return v != v; });
  }
  Columns& Integers(const std::string& name, const std::vector<std::int64_t>& values) {
    return Add<arrow::Int64Builder>(
        name, arrow::int64(), values, [](auto v) { return v; }, [](auto) { return false; });
  }
  // "" is null.
  Columns& Texts(const std::string& name, const std::vector<std::string>& values) {
    return Add<arrow::StringBuilder>(
        name, arrow::utf8(), values, [](const auto& v) { return v; },
        [](const auto& v) { return v.empty(); });
  }
  // Hours since 1970; NaN is null.
  Columns& Hours(const std::string& name, const std::vector<double>& values) {
    const auto type = arrow::timestamp(arrow::TimeUnit::MICRO);
    fields_.push_back(arrow::field(name, type));
    arrow::TimestampBuilder builder(type, arrow::default_memory_pool());
    for (const double v : values) {
      Require(v != v ? builder.AppendNull() : builder.Append(std::int64_t(v * 3.6e9)));
    }
    arrays_.push_back(builder.Finish().ValueOrDie());
    return *this;
  }
  Columns& Role(const std::string& name, sdk::Role role) {
    roles_[name] = role;
    return *this;
  }

  [[nodiscard]] std::int64_t rows() const { return arrays_.front()->length(); }
  // Of the rows from `first` on, `count` of them; all by default.
  void Write(const std::string& folder, std::int64_t first = 0, std::int64_t count = -1) const {
    const auto batch = arrow::RecordBatch::Make(arrow::schema(fields_), rows(), arrays_)
                           ->Slice(first, count < 0 ? rows() - first : count);
    sdk::Schema schema = sdk::SchemaOf(*batch->schema());
    for (auto& column : schema.columns) {
      if (roles_.contains(column.name)) column.role = roles_.at(column.name);
    }
    auto writer = sdk::DatasetWriter::Create(folder, batch->schema());
    if (!writer) throw std::runtime_error(writer.error().message);
    (*writer)->Describe(schema, sdk::Carry::kMeaning);
    for (const auto& ok : {(*writer)->Write(batch), (*writer)->Finish()}) {
      if (!ok) throw std::runtime_error(ok.error().message);
    }
  }
  [[nodiscard]] Table Load() const {
    const sdk::TestFolder folder;
    Write(folder / "d");
    auto table = LoadTable(folder / "d", {});
    if (!table) throw std::runtime_error(table.error().message);
    return *std::move(table);
  }

 private:
  static void Require(const arrow::Status& status) {
    if (!status.ok()) throw std::runtime_error(status.ToString());
  }
  template <typename Builder, typename T, typename Value, typename IsNull>
  Columns& Add(const std::string& name, const std::shared_ptr<arrow::DataType>& type,
               const std::vector<T>& values, Value value, IsNull is_null) {
    fields_.push_back(arrow::field(name, type));
    Builder builder;
    for (const auto& v : values) {
      Require(is_null(v) ? builder.AppendNull() : builder.Append(value(v)));
    }
    arrays_.push_back(builder.Finish().ValueOrDie());
    return *this;
  }

  arrow::FieldVector fields_;
  arrow::ArrayVector arrays_;
  std::map<std::string, sdk::Role> roles_;
};

}  // namespace penstock::audit
