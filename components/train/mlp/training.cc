#include "components/train/mlp/training.h"

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>

#include "components/model/catch_torch.h"
#include "components/train/mlp/adamw.h"
#include "components/train/mlp/checkpoint.h"
#include "components/train/mlp/loss.h"
#include "components/train/mlp/schedule.h"
#include "operator/base/sha256.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

constexpr double kCheckpointEvery = 2e10;  // multiply-adds: a few seconds of one core
constexpr double kClip = 1;                // norm of one network's gradient
constexpr double kFinderSmoothing = 0.98;
// Where the finder may point: outside of it lie accidents of noisy losses.
constexpr double kLowestFound = 5e-4;
constexpr double kHighestFound = 4e-3;

// Streams of random numbers.
enum class Draw : std::uint8_t { kWeights, kOrder, kDropout, kFinderOrder, kFinderDropout };

// SplitMix64 (Steele, Lea, Flood 2014), one round for each part.
std::uint64_t Mix(std::uint64_t seed, Draw draw, std::int64_t index) {
  std::uint64_t z = seed;
  for (const std::uint64_t part : {std::uint64_t(draw) + 1, std::uint64_t(index)}) {
    z += part + 0x9e3779b97f4a7c15ULL;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    z ^= z >> 31U;
  }
  return z;
}

Result<torch::Device> ChooseDevice(const std::string& wanted) {
  const bool available = wanted != "cpu" && torch::cuda::is_available();
  if (wanted == "cuda" && !available) {
    return Invalid("device: cuda was asked for, and this machine or this LibTorch has none");
  }
  return available ? torch::Device(torch::kCUDA) : torch::Device(torch::kCPU);
}

Result<void> CheckRows(const Rows& rows, std::span<const sdk::Feature> features) {
  for (std::size_t i = 0; i < rows.x->rows; ++i) {
    for (std::size_t j = 0; j < features.size(); ++j) {
      const float v = rows.x->data[i * rows.x->width + j];
      const auto n = features[j].cardinality;
      if (std::isfinite(v) && (n == 0 || (v >= 0 && v < float(n)))) continue;
      return Invalid("row " + std::to_string(i) + ", feature '" + features[j].name +
                     "': " + std::to_string(v) +
                     (n == 0 ? " is no number a network can take; impute or clip the column"
                             : " is no id below " + std::to_string(n)));
    }
  }
  return {};
}

torch::Tensor MatrixTensor(const sdk::FloatMatrix& x) {
  return torch::from_blob(x.data.get(), {std::int64_t(x.rows), std::int64_t(x.width)},
                          torch::kFloat32);
}

// Weights with the mean 1.
torch::Tensor WeightTensor(const Rows& rows) {
  if (rows.weight.empty()) return torch::ones({std::int64_t(rows.y.size())});
  auto weight = torch::empty({std::int64_t(rows.weight.size())}, torch::kFloat64);
  std::copy(rows.weight.begin(), rows.weight.end(), weight.data_ptr<double>());
  return (weight / weight.mean()).to(torch::kFloat32);
}

// What rows, settings and seed a state belongs to.
std::string KeyOf(const TrainingRequest& request, const Context& context) {
  Sha256 sha;
  const auto add = [&](const Rows& rows) {
    sha.Update(rows.x->data.get(), rows.x->rows * rows.x->width * sizeof(float));
    sha.Update(rows.y.data(), rows.y.size_bytes());
    sha.Update(rows.weight.data(), rows.weight.size_bytes());
  };
  add(request.train);
  const Target& t = context.target;
  Json text = {{"setting", ToSetting(request.plan)},
               {"seed", context.seed},
               {"threads", context.threads},
               {"device", context.device},
               {"task", sdk::Name(t.task)},
               {"classes", t.classes},
               {"loss", int(t.loss)},
               {"delta", t.delta},
               {"quantile", t.quantile},
               {"rows", request.train.x->rows},
               {"rate", request.learning_rate ? Json(*request.learning_rate) : Json()}};
  if (request.init != nullptr) {
    const InitOptions& init = request.init->options();
    text["init"] = {{"digest", init.digest},
                    {"names", init.names},
                    {"freeze", init.freeze},
                    {"fresh", init.fresh},
                    {"freshAnswer", init.fresh_answer}};
  }
  for (const auto& f : context.features) text["features"].push_back({f.name, f.cardinality});
  sha.Update(text.dump());
  return sha.HexDigest();
}

// Rows on the device, and the part of them that a step takes.
struct Table {
  torch::Tensor x, y, weight;
  Table Take(const torch::Tensor& index) const {
    return {x.index_select(0, index), y.index_select(0, index), weight.index_select(0, index)};
  }
};

class Loop {
 public:
  Loop(const TrainingRequest& request, const Context& context, torch::Device device,
       const sdk::NetworkSpec& spec)
      : request_(request),
        plan_(request.plan),
        context_(context),
        device_(device),
        random_(device.is_cuda() ? at::globalContext().defaultGenerator(device).clone()
                                 : at::make_generator<at::CPUGeneratorImpl>()),
        host_random_(at::make_generator<at::CPUGeneratorImpl>()) {
    host_random_.set_current_seed(Mix(context.seed, Draw::kWeights, 0));
    network_ = std::make_shared<sdk::Network>(spec, host_random_);
    torch::NoGradGuard no_grad;
    network_->last_bias().copy_(FirstLogits(request.train, context.target));
    if (request.init != nullptr) init_ = request.init->Apply(*network_);
    network_->to(device);
    optimizer_ = std::make_unique<AdamW>(*network_, plan_.weight_decay);
    train_ = TableOf(request.train);
    rows_ = train_.x.size(0);
    batches_ = (rows_ + plan_.batch_size - 1) / plan_.batch_size;
    step_cost_ = TrainingCostOfRows();
    if (!context.checkpoint.empty()) key_ = KeyOf(request, context);
  }

  Result<Training> Run() {
    if (init_ && !*init_) return init_->error();
    if (!Resume()) {
      rate_ = request_.learning_rate ? *request_.learning_rate : FindRate();
    }
    while (epoch_ < plan_.epochs) {
      PENSTOCK_TRY(RunEpoch());
    }
    return Finish();
  }

 private:
  Table TableOf(const Rows& rows) const {
    return {MatrixTensor(*rows.x).to(device_),
            LabelTensor(rows.y, context_.target, network_->spec()).to(device_),
            WeightTensor(rows).to(device_)};
  }

  double TrainingCostOfRows() const { return 3 * network_->MultiplyAdds(); }

  // The order of an epoch's rows.
  torch::Tensor Order(Draw draw, std::int64_t epoch) {
    host_random_.set_current_seed(Mix(context_.seed, draw, epoch));
    return torch::randperm(rows_, host_random_, torch::kLong).to(device_);
  }

  // Batches differ by one row at most.
  torch::Tensor BatchOf(const torch::Tensor& order, std::int64_t batch) const {
    const std::int64_t begin = rows_ * batch / batches_;
    return order.narrow(0, begin, rows_ * (batch + 1) / batches_ - begin);
  }

  // A step on some rows; gives the mean loss of the networks.
  torch::Tensor Step(const torch::Tensor& index, const Pace& pace, Draw draw, std::int64_t step) {
    random_.set_current_seed(Mix(context_.seed, draw, step));
    const Table batch = train_.Take(index);
    const auto losses = LossOf(network_->MemberLogits(batch.x, random_), batch.y, context_.target,
                               plan_.label_smoothing);
    const auto loss = (losses * batch.weight).mean(1).sum();
    loss.backward();
    optimizer_->Step(pace, kClip * std::sqrt(double(plan_.networks)));
    work_ += step_cost_ * double(index.size(0));
    return loss.detach() / double(plan_.networks);
  }

  // The learning-rate finder; leaves weights and optimiser as they were.
  double FindRate() {
    network_->train();
    const auto before = optimizer_->Copy();
    std::vector<double> smoothed;
    double average = 0;
    double best = 0;
    torch::Tensor order;
    for (std::int64_t step = 0; step < kFinderSteps; ++step) {
      if (step % batches_ == 0) order = Order(Draw::kFinderOrder, step / batches_);
      const auto index = BatchOf(order, step % batches_);
      const double loss =
          Step(index, {FinderRate(step), 0.9}, Draw::kFinderDropout, step).item<double>();
      average = kFinderSmoothing * average + (1 - kFinderSmoothing) * loss;
      const double value = average / (1 - std::pow(kFinderSmoothing, double(step + 1)));
      if (!std::isfinite(value) || (step > 0 && value > best + (kFinderEnds - 1) * std::abs(best)))
        break;
      best = step == 0 ? value : std::min(best, value);
      smoothed.push_back(value);
    }
    optimizer_->Assign(before);
    optimizer_->Reset();
    if (smoothed.empty()) return kLowestFound;
    // fastai leaves out the first tenth and the last five.
    const std::size_t first = std::min<std::size_t>(kFinderSteps / 10, smoothed.size() - 1);
    const std::size_t last =
        std::max(first + 1, smoothed.size() - std::min<std::size_t>(5, smoothed.size()));
    const auto valley = Valley(std::span(smoothed).subspan(first, last - first));
    return std::clamp(FinderRate(std::int64_t(first + valley)), kLowestFound, kHighestFound);
  }

  Result<void> RunEpoch() {
    network_->train();
    const auto order = Order(Draw::kOrder, epoch_);
    auto sum = torch::full({}, loss_sum_, torch::TensorOptions(device_).dtype(torch::kFloat64));
    for (; batch_ < batches_; ++batch_) {
      if (context_.stop && context_.stop()) {
        loss_sum_ = sum.item<double>();
        PENSTOCK_TRY(Checkpoint());
        return Cancelled("the training was stopped in epoch " + std::to_string(epoch_ + 1));
      }
      const std::int64_t step = epoch_ * batches_ + batch_;
      const double progress = double(step) / double(plan_.epochs * batches_);
      const auto index = BatchOf(order, batch_);
      sum += Step(index, OneCycle(progress, rate_), Draw::kDropout, step) * index.size(0);
      if (work_ - saved_work_ < kCheckpointEvery) continue;
      ++batch_;
      loss_sum_ = sum.item<double>();
      PENSTOCK_TRY(Checkpoint());
      --batch_;
    }
    return EndEpoch(sum.item<double>() / double(rows_));
  }

  Result<void> EndEpoch(double loss) {
    batch_ = 0;
    loss_sum_ = 0;
    ++epoch_;
    if (!std::isfinite(loss)) {
      return Invalid("the loss is no number in epoch " + std::to_string(epoch_) +
                     " at the learning rate " + std::to_string(rate_) +
                     "; lower learningRate, or scale or clip the columns");
    }
    train_loss_ = loss;
    if (context_.report) context_.report({"mlp", ToSetting(plan_), epoch_, loss, std::nullopt});
    return {};
  }

  [[nodiscard]] std::string Name() const {
    return "mlp-" + plan_.id + "-" + std::to_string(plan_.epochs);
  }

  Result<void> Checkpoint() {
    saved_work_ = work_;
    if (context_.checkpoint.empty()) return {};
    Snapshot state;
    optimizer_->Save(&state);
    state.numbers["epoch"] = epoch_;
    state.numbers["batch"] = batch_;
    state.numbers["lossSum"] = loss_sum_;
    state.numbers["rate"] = rate_;
    state.numbers["work"] = work_;
    state.numbers["trainLoss"] = train_loss_;
    return SaveSnapshot(context_.checkpoint, Name(), key_, state);
  }

  bool Resume() {
    if (context_.checkpoint.empty()) return false;
    const auto state = LoadSnapshot(context_.checkpoint, Name(), key_);
    if (!state || !optimizer_->Load(*state)) return false;
    const Json& n = state->numbers;
    epoch_ = n.at("epoch");
    batch_ = n.at("batch");
    loss_sum_ = n.at("lossSum").is_null() ? std::nan("") : n.at("lossSum").get<double>();
    rate_ = n.at("rate");
    work_ = saved_work_ = n.at("work");
    train_loss_ = n.at("trainLoss");
    return true;
  }

  Result<Training> Finish() {
    // What took long enough to be worth keeping is kept at its end, too.
    if (saved_work_ > 0) PENSTOCK_TRY(Checkpoint());
    network_->to(torch::kCPU);
    network_->eval();
    Training training{network_, rate_, train_loss_, work_};
    if (init_) training.init = **init_;
    return training;
  }

  const TrainingRequest& request_;
  const Plan& plan_;
  const Context& context_;
  torch::Device device_;
  at::Generator random_;       // of the device
  at::Generator host_random_;  // weights and orders, the same for every device
  std::shared_ptr<sdk::Network> network_;
  std::optional<Result<InitReport>> init_;
  std::unique_ptr<AdamW> optimizer_;
  Table train_;
  std::int64_t rows_ = 0;
  std::int64_t batches_ = 0;
  double step_cost_ = 0;  // multiply-adds a row
  std::string key_;
  // What a checkpoint holds, besides weights and moments.
  std::int64_t epoch_ = 0;  // that are done
  std::int64_t batch_ = 0;  // of the epoch under way
  double loss_sum_ = 0;     // of its rows
  double rate_ = 0;
  double work_ = 0;
  double saved_work_ = 0;
  double train_loss_ = 0;  // of the last epoch
};

}  // namespace

std::size_t InputWidth(std::span<const sdk::Feature> features) {
  std::size_t width = 0;
  for (const auto& f : features) {
    if (f.bag < 0) continue;
    width += f.cardinality == 0 ? 1 : std::size_t(sdk::EmbeddingWidth(f.cardinality));
  }
  return width;
}

Result<Training> TrainNetwork(const TrainingRequest& request, const Context& context) {
  PENSTOCK_TRY(CheckRows(request.train, context.features));
  sdk::NetworkSpec spec;
  spec.features.assign(context.features.begin(), context.features.end());
  spec.hidden = request.plan.hidden;
  spec.dropout = request.plan.dropout;
  spec.embedding_dropout = request.plan.embedding_dropout;
  spec.members = request.plan.networks;
  spec.direct = request.plan.direct;
  PENSTOCK_TRY(FitAnswer(request.train, context.target, &spec));
  return model::CatchTorch("train", [&]() -> Result<Training> {
    PENSTOCK_ASSIGN(const auto device, ChooseDevice(context.device));
    at::set_num_threads(context.threads);
    if (device.is_cuda()) at::globalContext().setDeterministicAlgorithms(true, true);
    return Loop(request, context, device, spec).Run();
  });
}

}  // namespace penstock::train
