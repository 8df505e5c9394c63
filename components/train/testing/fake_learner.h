// A learner that is quick and simple, for tests of what is around learners: the mean label
// ("flat"), one below and one from 0 on of the first feature ("split"), or these turned round
// ("swapped").
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "components/train/learner.h"
#include "operator/base/file.h"

namespace penstock::train {

// Answers of the left and the right side, Target::width() numbers each.
class FakeFitted : public Fitted {
 public:
  FakeFitted(std::vector<double> left, std::vector<double> right)
      : left_(std::move(left)), right_(std::move(right)) {}

  Result<std::vector<double>> Answer(const sdk::FloatMatrix& x) const override {
    std::vector<double> answers;
    for (std::size_t r = 0; r < x.rows; ++r) {
      const auto& side = x.data[r * x.width] < 0 ? left_ : right_;
      answers.insert(answers.end(), side.begin(), side.end());
    }
    return answers;
  }
  Result<void> Save(const std::string& folder, sdk::ModelManifest& manifest) const override {
    manifest.backend = "fake";
    manifest.file = "fake.json";
    return WriteFileAtomically(folder + "/fake.json", Describe().dump());
  }
  Json Describe() const override { return {{"left", left_}, {"right", right_}}; }

 private:
  std::vector<double> left_;
  std::vector<double> right_;
};

struct FakeCounts {
  int tries = 0;
  int fits = 0;
};

class FakeLearner : public Learner {
 public:
  std::string called = "fake";
  std::vector<std::string> settings = {"flat", "split"};
  std::string problem;  // not empty: Try fails with it
  double cost = 0.001;
  std::optional<OverfitReport> batch;  // what LearnOneBatch gives
  double timid = 0;  // the sides are told apart by half of what they differ from so many rows on
  std::shared_ptr<FakeCounts> counts = std::make_shared<FakeCounts>();
  std::function<void()> on_try;  // called at the beginning of each Try

  std::string name() const override { return called; }
  sdk::View view() const override { return sdk::View::kDense; }
  double Cost(std::size_t, std::span<const sdk::Feature>, const Target&) const override {
    return cost;
  }

  Result<std::vector<Trial>> Try(const Rows& train, const Rows& held_out,
                                 const Context& context) const override {
    ++counts->tries;
    if (on_try) on_try();
    if (context.stop && context.stop()) return Cancelled("stopped");
    if (!problem.empty()) return Invalid(problem);
    std::vector<Trial> trials;
    for (const auto& setting : settings) {
      auto fitted = std::make_shared<FakeFitted>(Learn(train, setting, context.target));
      Trial trial;
      trial.setting = {{"id", setting}};
      trial.answers = *fitted->Answer(*held_out.x);
      trial.rounds = double(train.y.size());
      if (context.keep) trial.fitted = fitted;
      trials.push_back(std::move(trial));
    }
    return trials;
  }

  Result<std::unique_ptr<Fitted>> Fit(const Rows& train, const Json& setting, std::optional<double>,
                                      const Context& context) const override {
    ++counts->fits;
    return std::unique_ptr<Fitted>(
        std::make_unique<FakeFitted>(Learn(train, setting["id"], context.target)));
  }

  Result<std::optional<OverfitReport>> LearnOneBatch(const Rows&, const Context&) const override {
    return batch;
  }

 private:
  FakeFitted Learn(const Rows& train, const std::string& setting, const Target& target) const {
    std::vector<double> sides[2];
    for (int side = 0; side < 2; ++side) {
      std::vector<double> sums(target.width(), 0);
      double weight = 1e-9;
      for (std::size_t r = 0; r < train.y.size(); ++r) {
        const bool right = train.x->data[r * train.x->width] >= 0;
        if (setting == "split" && right != (side == 1)) continue;
        if (setting == "swapped" && right == (side == 1)) continue;
        const double w = train.weight.empty() ? 1 : train.weight[r];
        weight += w;
        if (target.width() == 1) {
          sums[0] += w * train.y[r];
        } else {
          sums[std::size_t(train.y[r])] += w;
        }
      }
      for (double& sum : sums) sum /= weight;
      sides[side] = sums;
    }
    const double bold = double(train.y.size()) / (double(train.y.size()) + timid);
    for (std::size_t i = 0; i < target.width(); ++i) {
      const double mean = (sides[0][i] + sides[1][i]) / 2;
      for (auto& side : sides) side[i] = mean + bold * (side[i] - mean);
    }
    return {sides[0], sides[1]};
  }
};

}  // namespace penstock::train
