#include "components/transform/training_table.h"

#include <arrow/api.h>

#include "components/sdk/cells.h"
#include "components/transform/column_table.h"
#include "components/transform/refit.h"
#include "components/transform/target_encoding.h"
#include "operator/base/try.h"

namespace penstock::transform {

using sdk::FloatMatrix;
using sdk::Transform;
using sdk::TransformOp;
using sdk::TransformSpec;

struct TrainingTable::Impl {
  TransformSpec recipe;
  ColumnTable table;
  Constants constants;
};

namespace {

bool HoldsNullText(const Transform& transform, std::size_t input, const sdk::TypedColumn& column) {
  if (column.type != sdk::ColumnType::kString) return false;
  for (std::int64_t r = 0; r < column.array->length(); ++r) {
    const sdk::Cell cell = CellAt(column, r);
    const auto* text = std::get_if<std::string_view>(&cell);
    if (text != nullptr && transform.IsNullText(input, *text)) return true;
  }
  return false;
}

Result<TransformSpec> OfView(TransformSpec recipe, sdk::View view) {
  std::erase_if(recipe.steps, [&](const auto& step) { return (step.views & Only(view)) == 0; });
  return recipe;
}

}  // namespace

TrainingTable::TrainingTable(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TrainingTable::~TrainingTable() = default;
TrainingTable::TrainingTable(TrainingTable&&) noexcept = default;

std::size_t TrainingTable::rows() const { return impl_->table.rows(); }

Result<TrainingTable> TrainingTable::Load(const std::vector<std::string>& datasets,
                                          TransformSpec recipe,
                                          const std::vector<std::uint32_t>* keep,
                                          const std::vector<std::string>& names,
                                          Constants constants) {
  if (recipe.version() == 1) {
    return Invalid(
        "transform.json is of formatVersion 1, which says not how it was fitted; fit it again with "
        "transform 1.2");
  }
  // The words that are null in a column do not depend on the view.
  PENSTOCK_ASSIGN(const auto transform, Transform::Make(recipe, AnyView(recipe)));
  PENSTOCK_ASSIGN(auto table, ColumnTable::Load(datasets, recipe.inputs, keep, transform, names));
  return TrainingTable(
      std::make_unique<Impl>(Impl{std::move(recipe), std::move(table), constants}));
}

Result<TrainingTable::Fit> TrainingTable::FitOn(std::span<const std::uint32_t> rows, sdk::View view,
                                                std::span<const double> y, std::size_t classes,
                                                std::uint64_t seed,
                                                std::span<const std::uint32_t> group) const {
  const ColumnTable& table = impl_->table;
  const LabelValues label{y, classes};
  PENSTOCK_ASSIGN(auto spec, impl_->constants == Constants::kOfRecipe
                                 ? OfView(impl_->recipe, view)
                                 : Refit(impl_->recipe, table, rows, view, &label, false));
  PENSTOCK_ASSIGN(const auto transform, Transform::Make(spec, view));
  for (std::size_t i = 0; i < spec.inputs.size(); ++i) {
    spec.inputs[i].nullable |= HoldsNullText(transform, i, table.column(i));
  }
  PENSTOCK_ASSIGN(auto x, Matrix(transform, rows));
  for (std::size_t i = 0; i < spec.steps.size(); ++i) {
    if (spec.steps[i].op != TransformOp::kTargetEncode) continue;
    CrossFit(spec.steps[i], transform.FeaturesOf(i).first, table.column(spec.steps[i].input), rows,
             label, group, seed, x);
  }
  return Fit{std::move(spec), std::move(x)};
}

Result<FloatMatrix> TrainingTable::Matrix(const Transform& transform,
                                          std::span<const std::uint32_t> rows) const {
  if (transform.inputs().size() != impl_->table.size()) {
    return Internal("the transform is of other columns than the table");
  }
  FloatMatrix x;
  x.rows = rows.size();
  x.width = transform.width();
  x.data = std::make_unique_for_overwrite<float[]>(x.rows * x.width);
  for (std::size_t i = 0; i < transform.inputs().size(); ++i) {
    sdk::ApplyRows(transform, i, impl_->table.column(i), rows, x.data.get());
  }
  return x;
}

}  // namespace penstock::transform
