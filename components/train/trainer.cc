#include "components/train/trainer.h"

#include <torch/nn/functional/loss.h>
#include <torch/optim/adam.h>
#include <torch/torch.h>

#include <chrono>
#include <cmath>
#include <numbers>

#include "components/model/catch_torch.h"
#include "components/sdk/exact_sum.h"
#include "components/sdk/metrics.h"
#include "operator/base/try.h"

namespace penstock::train {
namespace {

using sdk::Answer;
using sdk::LabelledMatrix;
using sdk::ModelTask;

constexpr std::int64_t kEvaluateRows = 16'384;

Result<torch::Device> ChooseDevice(const std::string& wanted) {
  const bool available = wanted != "cpu" && torch::cuda::is_available();
  if (wanted == "cuda" && !available) {
    return Invalid("device: cuda was asked for, and this machine or this LibTorch has none");
  }
  return available ? torch::Device(torch::kCUDA) : torch::Device(torch::kCPU);
}

sdk::NetworkSpec SpecOf(const LabelledMatrix& train, const std::vector<sdk::Feature>& features,
                        const sdk::Label& label, const TrainOptions& options) {
  sdk::NetworkSpec spec;
  spec.features = features;
  spec.hidden = options.hidden;
  spec.dropout = options.dropout;
  if (label.task == ModelTask::kClassification) {
    const bool binary = label.classes.size() == 2;
    spec.outputs = binary ? 1 : std::int64_t(label.classes.size());
    spec.answer = binary ? Answer::kProbability : Answer::kProbabilities;
    return spec;
  }
  spec.answer = Answer::kValue;
  const sdk::Moments moments = sdk::MomentsOf(std::vector<double>(train.y.begin(), train.y.end()));
  spec.offset = moments.mean;
  spec.scale = moments.constant ? 1 : moments.std;
  return spec;
}

torch::Tensor MatrixTensor(const LabelledMatrix& m) {
  return torch::from_blob(m.x.data.get(), {std::int64_t(m.x.rows), std::int64_t(m.x.width)},
                          torch::kFloat32);
}

// The labels as the loss takes them.
torch::Tensor TargetTensor(const LabelledMatrix& m, const sdk::NetworkSpec& spec) {
  auto y = torch::tensor(m.y);
  if (spec.answer == Answer::kProbabilities) return y.to(torch::kLong);
  return spec.answer == Answer::kValue ? (y - spec.offset) / spec.scale : y;
}

torch::Tensor LossOf(const torch::Tensor& logits, const torch::Tensor& y, Answer answer) {
  switch (answer) {
    case Answer::kProbability:
      return torch::binary_cross_entropy_with_logits(logits.squeeze(1), y);
    case Answer::kProbabilities:
      return torch::nn::functional::cross_entropy(logits, y);
    default:
      return torch::mse_loss(logits.squeeze(1), y);
  }
}

// LibTorch's threads meet at a barrier in every operation; below this much work a thread and batch
// that costs more than it saves, and on a busy machine many times more (measured: 20x).
constexpr double kMultiplicationsPerThread = 5e7;

// At most what the quota gives (LibTorch reads OMP_NUM_THREADS).
int ThreadsFor(const sdk::Network& network, std::int64_t batch_size) {
  double parameters = 0;
  for (const auto& p : network.parameters()) parameters += double(p.numel());
  const double threads = parameters * double(batch_size) / kMultiplicationsPerThread;
  return std::max(1, int(std::min(threads, double(at::get_num_threads()))));
}

class Loop {
 public:
  Loop(const LabelledMatrix& train, const LabelledMatrix& valid, const sdk::Label& label,
       const TrainOptions& options, torch::Device device, sdk::NetworkSpec spec)
      : options_(options),
        valid_(valid),
        device_(device),
        network_(std::make_shared<sdk::Network>(std::move(spec))),
        x_(MatrixTensor(train).to(device)),
        y_(TargetTensor(train, network_->spec()).to(device)),
        generator_(at::make_generator<at::CPUGeneratorImpl>(std::uint64_t(options.seed))) {
    at::set_num_threads(ThreadsFor(*network_, options.batch_size));
    network_->to(device);
    optimizer_ = std::make_unique<torch::optim::Adam>(
        network_->parameters(),
        torch::optim::AdamOptions(options.learning_rate).weight_decay(options.weight_decay));
    manifest_.task = label.task;
    manifest_.classes = label.classes;
    metric_ = label.task == ModelTask::kRegression ? "rmse"
              : manifest_.IsBinary()               ? "auc"
                                                   : "accuracy";
  }

  // The mean loss over the rows.
  double TrainEpoch(std::int64_t epoch) {
    network_->train();
    const std::int64_t rows = x_.size(0);
    const std::int64_t batches = (rows + options_.batch_size - 1) / options_.batch_size;
    const auto order = torch::randperm(rows, generator_, torch::kLong).to(device_);
    auto sum = torch::zeros({}, torch::TensorOptions(device_).dtype(torch::kFloat64));
    for (std::int64_t b = 0; b < batches; ++b) {
      SetLearningRate((double(epoch - 1) + double(b) / double(batches)) / double(options_.epochs));
      const std::int64_t begin = b * options_.batch_size;
      const auto index = order.narrow(0, begin, std::min(options_.batch_size, rows - begin));
      const auto loss = LossOf(network_->MemberLogits(x_.index_select(0, index)).squeeze(0),
                               y_.index_select(0, index), network_->spec().answer);
      optimizer_->zero_grad();
      loss.backward();
      optimizer_->step();
      sum += loss.detach() * index.size(0);
    }
    return sum.item<double>() / double(rows);
  }

  // The metric on the validation rows; a metric that is not defined there (AUC of one class) falls
  // back to the loss's own.
  double Evaluate() {
    network_->eval();
    torch::NoGradGuard no_grad;
    const auto x = MatrixTensor(valid_);
    std::vector<float> raw;
    for (std::int64_t begin = 0; begin < x.size(0); begin += kEvaluateRows) {
      const auto part = x.narrow(0, begin, std::min(kEvaluateRows, x.size(0) - begin));
      const auto answer = network_->Answers(part.to(device_)).cpu().contiguous();
      raw.insert(raw.end(), answer.const_data_ptr<float>(),
                 answer.const_data_ptr<float>() + answer.numel());
    }
    Json metrics = sdk::ComputeMetrics(manifest_, raw, valid_.y);
    if (!metrics[metric_].is_number()) metric_ = "logLoss";
    return metrics[metric_].is_number() ? metrics[metric_].get<double>() : std::nan("");
  }

  void KeepWeights() {
    torch::NoGradGuard no_grad;
    best_.clear();
    for (const auto& p : network_->parameters()) best_.push_back(p.detach().clone());
  }

  std::shared_ptr<sdk::Network> BestNetwork() {
    torch::NoGradGuard no_grad;
    const auto parameters = network_->parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      parameters[i].copy_(best_[i]);
    }
    network_->to(torch::kCPU);
    network_->eval();
    return network_;
  }

  [[nodiscard]] const std::string& metric() const { return metric_; }

 private:
  // Cosine decay (Loshchilov, Hutter: SGDR, 2017, without restarts).
  void SetLearningRate(double progress) {
    const double rate = options_.learning_rate * 0.5 * (1 + std::cos(std::numbers::pi * progress));
    for (auto& group : optimizer_->param_groups()) group.options().set_lr(rate);
  }

  const TrainOptions& options_;
  const LabelledMatrix& valid_;
  torch::Device device_;
  std::shared_ptr<sdk::Network> network_;
  torch::Tensor x_;
  torch::Tensor y_;
  at::Generator generator_;
  std::unique_ptr<torch::optim::Adam> optimizer_;
  sdk::ModelManifest manifest_;
  std::string metric_;
  std::vector<torch::Tensor> best_;
};

Result<Trained> RunLoop(Loop& loop, const TrainOptions& options,
                        const std::function<void(const EpochReport&)>& report) {
  Trained out;
  double best = 0;
  for (std::int64_t epoch = 1; epoch <= options.epochs; ++epoch) {
    const auto start = std::chrono::steady_clock::now();
    const double loss = loop.TrainEpoch(epoch);
    const double value = loop.Evaluate();
    if (!std::isfinite(loss) || !std::isfinite(value)) {
      return Invalid("the loss is no number in epoch " + std::to_string(epoch) +
                     "; lower learningRate or scale the columns");
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    report({epoch, loss, loop.metric(), value, took.count()});
    out.seconds += took.count();
    out.epochs = epoch;
    if (out.best_epoch == 0 || sdk::IsBetter(loop.metric(), value, best)) {
      best = value;
      out.best_epoch = epoch;
      out.loss = loss;
      loop.KeepWeights();
    }
    if (options.patience > 0 && epoch - out.best_epoch >= options.patience) break;
  }
  out.network = loop.BestNetwork();
  return out;
}

}  // namespace

Result<Trained> Train(const LabelledMatrix& train, const LabelledMatrix& valid,
                      const std::vector<sdk::Feature>& features, const sdk::Label& label,
                      const TrainOptions& options,
                      const std::function<void(const EpochReport&)>& report) {
  return model::CatchTorch("train", [&]() -> Result<Trained> {
    PENSTOCK_ASSIGN(const auto device, ChooseDevice(options.device));
    torch::manual_seed(std::uint64_t(options.seed));
    at::globalContext().setDeterministicAlgorithms(true, true);
    Loop loop(train, valid, label, options, device, SpecOf(train, features, label, options));
    return RunLoop(loop, options, report);
  });
}

}  // namespace penstock::train
