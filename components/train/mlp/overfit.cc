#include "components/train/mlp/overfit.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <numeric>
#include <random>
#include <set>
#include <vector>

#include "components/train/mlp/training.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr std::size_t kRows = 64;
constexpr std::int64_t kBatchSteps = 600;
constexpr double kRate = 3e-3;
constexpr double kLearnt = 0.05;

struct Batch {
  sdk::FloatMatrix x;
  std::vector<double> y;
};

// Rows that weigh something, the first of an order drawn from the seed (Fisher, Yates; the standard
// library's shuffle differs from one to the next).
Batch DrawBatch(const Rows& rows, std::uint64_t seed) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < rows.y.size(); ++i) {
    if (rows.weight.empty() || rows.weight[i] > 0) order.push_back(i);
  }
  std::mt19937_64 random(seed);
  const std::size_t count = std::min(kRows, order.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(order[i], order[i + random() % (order.size() - i)]);
  }
  const std::size_t width = rows.x->width;
  Batch batch{{count, width, std::make_unique<float[]>(count * width)}, {}};
  for (std::size_t i = 0; i < count; ++i) {
    std::copy_n(rows.x->data.get() + order[i] * width, width, batch.x.data.get() + i * width);
    batch.y.push_back(rows.y[order[i]]);
  }
  return batch;
}

std::int64_t Contradictory(const Batch& batch) {
  std::map<std::vector<float>, std::pair<std::int64_t, std::set<double>>> seen;
  for (std::size_t i = 0; i < batch.x.rows; ++i) {
    const float* row = batch.x.data.get() + i * batch.x.width;
    auto& [count, labels] = seen[std::vector<float>(row, row + batch.x.width)];
    ++count;
    labels.insert(batch.y[i]);
  }
  std::int64_t sum = 0;
  for (const auto& [row, entry] : seen) sum += entry.second.size() > 1 ? entry.first : 0;
  return sum;
}

// The least mean loss of any model on these labels, in the loss's own unit: 0 but for kPoisson,
// whose labels stand there as shares of their mean.
double LeastLoss(const Batch& batch, Loss loss) {
  if (loss != Loss::kPoisson) return 0;
  const double rows = double(batch.y.size());
  const double mean = std::accumulate(batch.y.begin(), batch.y.end(), 0.0) / rows;
  double sum = 0;
  for (const double y : batch.y) {
    const double share = mean == 0 ? 0 : y / mean;
    sum += share == 0 ? 0 : share - share * std::log(share);
  }
  return sum / rows;
}

std::string Sentence(const OverfitReport& r) {
  const std::string rows = std::to_string(r.rows);
  if (r.learnt) return "the network learns a batch of " + rows + " rows by heart";
  if (r.contradictory > 0) {
    return "the network cannot learn a batch of " + rows +
           " rows by heart: " + std::to_string(r.contradictory) +
           " of them have the features of another row and another label";
  }
  return "the network cannot learn a batch of " + rows +
         " rows by heart: look at the scale of the columns, the labels, and whether hidden is too "
         "small";
}

}  // namespace

Result<OverfitReport> OverfitOneBatch(const Rows& rows, const MlpOptions& options,
                                      const Context& context) {
  const Batch batch = DrawBatch(rows, context.seed);
  OverfitReport report;
  report.rows = std::int64_t(batch.y.size());
  report.contradictory = Contradictory(batch);
  TrainingRequest request;
  request.plan =
      MakePlans(options, rows.x->rows, InputWidth(context.features), context.target).back();
  request.plan.dropout = request.plan.embedding_dropout = 0;
  request.plan.weight_decay = request.plan.label_smoothing = 0;
  request.plan.batch_size = report.rows;
  request.plan.epochs = kBatchSteps;
  request.plan.networks = 1;
  request.learning_rate = options.learning_rate.value_or(kRate);
  request.train = {&batch.x, batch.y, {}};
  const double least = LeastLoss(batch, context.target.loss);
  Context own = context;
  own.checkpoint.clear();
  own.report = [&](const Progress& p) {
    if (p.round == 1) report.first_loss = p.train_loss - least;
    report.last_loss = p.train_loss - least;
  };
  PENSTOCK_TRY(TrainNetwork(request, own));
  report.learnt = report.last_loss <= kLearnt * report.first_loss;
  report.says = Sentence(report);
  return report;
}

}  // namespace penstock::train
