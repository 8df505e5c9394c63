#include "components/train/boosting/boosting_run.h"

#include <cmath>
#include <utility>

namespace penstock::train {
namespace {

// SplitMix64's finisher (Steele, Lea, Flood 2014): every bit of the input reaches every bit.
std::uint64_t Mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15U;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
  return x ^ (x >> 31);
}

Result<std::vector<float>> LabelsOf(const Rows& rows, const Target& target) {
  std::vector<float> labels;
  labels.reserve(rows.y.size());
  for (std::size_t i = 0; i < rows.y.size(); ++i) {
    const auto label = float(rows.y[i]);
    if (!std::isfinite(label)) {
      return Invalid("row " + std::to_string(i) + " of training has the label " +
                     std::to_string(rows.y[i]) +
                     ", which boosting cannot hold (float32): give the label a smaller unit");
    }
    if (target.loss == Loss::kPoisson && label < 0) {
      return Invalid("row " + std::to_string(i) + " of training has the label " +
                     std::to_string(rows.y[i]) +
                     ": the loss poisson learns counts and rates, which are not negative");
    }
    labels.push_back(label);
  }
  return labels;
}

std::vector<float> WeightsOf(const Rows& rows) {
  std::vector<float> weights(rows.y.size(), 1.0F);
  if (rows.weight.empty()) return weights;
  double sum = 0;
  for (const double w : rows.weight) sum += w;
  const double scale = double(rows.y.size()) / sum;
  for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = float(rows.weight[i] * scale);
  return weights;
}

}  // namespace

Result<BoostingRows> BoostingRows::Make(const model::XgboostLibrary& library, const Rows& rows,
                                        std::int64_t bins, const Context& context) {
  const auto labels = LabelsOf(rows, context.target);
  if (!labels) return labels.error();
  auto matrix =
      BoosterMatrix::Quantile(library, *rows.x, context.features, int(bins), context.threads);
  if (!matrix) return matrix.error();
  BoostingRows made{std::move(*matrix), WeightsOf(rows)};
  if (auto set = made.matrix.Set("label", *labels); !set) return set.error();
  return made;
}

BoostingRun::BoostingRun(Booster booster, const BoostingSetting& setting, BoostingRows& rows,
                         const Context& context, int round)
    : booster_(std::move(booster)),
      setting_(setting),
      rows_(&rows),
      context_(&context),
      round_(round) {}

Result<BoostingRun> BoostingRun::Make(const model::XgboostLibrary& library,
                                      const BoostingSetting& setting, const Rows& source,
                                      BoostingRows& rows, const BoosterMatrix* held_out,
                                      const Context& context, std::string_view model, int round) {
  if (auto set = rows.matrix.Set("weight", rows.weight); !set) return set.error();
  std::vector<model::XgboostHandle> matrices = {rows.matrix.handle()};
  if (held_out != nullptr) matrices.push_back(held_out->handle());
  auto booster =
      Booster::Make(library, XgboostParameters(setting, source, context), matrices, model);
  if (!booster) return booster.error();
  return BoostingRun(std::move(*booster), setting, rows, context, round);
}

Result<void> BoostingRun::DrawRows() {
  if (setting_.subsample >= 1) return {};
  const std::uint64_t key = Mixed(Mixed(context_->seed) + std::uint64_t(round_));
  const auto bound = std::uint64_t(std::ldexp(setting_.subsample, 32));
  std::vector<float> drawn = rows_->weight;
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    if ((Mixed(key + i) >> 32) >= bound) drawn[i] = 0;
  }
  return rows_->matrix.Set("weight", drawn);
}

Result<void> BoostingRun::GrowTo(int round) {
  while (round_ < round) {
    if (Stopped(*context_)) return {};
    if (auto drawn = DrawRows(); !drawn) return drawn;
    if (auto updated = booster_.Update(round_, rows_->matrix); !updated) return updated;
    ++round_;
  }
  return {};
}

}  // namespace penstock::train
