#include "components/train/boosting/trial_curve.h"

#include <cstring>
#include <utility>

namespace penstock::train {
namespace {

constexpr std::size_t kMostNumbers = 200'000;  // rows x width; times rungs and settings: 100 MB
constexpr std::size_t kPatience = 3;           // rungs, about twice the rounds of the best

Json BinaryOfNumbers(const std::vector<double>& values) {
  return BinaryOf({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(double)});
}

std::vector<double> NumbersOf(const Json& binary) {
  const auto& bytes = binary.get_binary();
  std::vector<double> values(bytes.size() / sizeof(double));
  std::memcpy(values.data(), bytes.data(), values.size() * sizeof(double));
  return values;
}

}  // namespace

bool KeepsAllRungs(std::size_t rows, const Target& target) {
  return rows * target.width() <= kMostNumbers;
}

TrialCurve::TrialCurve(std::vector<int> ladder, bool all) : ladder_(std::move(ladder)), all_(all) {}

bool TrialCurve::Ended() const {
  return losses_.size() == ladder_.size() ||
         (!losses_.empty() && losses_.size() - 1 - best_ >= kPatience);
}

void TrialCurve::Add(double loss, std::vector<double> answers) {
  const bool best = losses_.empty() || loss < losses_[best_];
  if (best) best_ = losses_.size();
  losses_.push_back(loss);
  if (all_) {
    answers_.push_back(std::move(answers));
  } else if (best) {
    answers_.clear();
    answers_.push_back(std::move(answers));
  }
}

void TrialCurve::Append(const Json& setting, std::vector<Trial>* trials) const {
  if (!all_) {
    trials->push_back({setting, answers_.front(), double(ladder_[best_])});
    return;
  }
  for (std::size_t rung = 0; rung < ladder_.size(); ++rung) {
    Json named = setting;
    named["id"] = setting["id"].get<std::string>() + " rounds " + std::to_string(ladder_[rung]);
    trials->push_back(
        {std::move(named), answers_[std::min(rung, answers_.size() - 1)], double(ladder_[rung])});
  }
}

Json TrialCurve::Write() const {
  Json json = {{"losses", BinaryOfNumbers(losses_)}, {"best", best_}, {"answers", Json::array()}};
  for (const auto& answers : answers_) json["answers"].push_back(BinaryOfNumbers(answers));
  return json;
}

Result<void> TrialCurve::Read(const Json& json) {
  losses_ = NumbersOf(json["losses"]);
  best_ = json["best"];
  answers_.clear();
  for (const Json& answers : json["answers"]) answers_.push_back(NumbersOf(answers));
  if (losses_.size() > ladder_.size() || answers_.size() > losses_.size())
    return Internal("a checkpoint of boosting is of another ladder");
  return {};
}

Json BinaryOf(std::string_view bytes) {
  return Json::binary(std::vector<std::uint8_t>(bytes.begin(), bytes.end()));
}

std::string BytesOf(const Json& binary) {
  const auto& bytes = binary.get_binary();
  return {bytes.begin(), bytes.end()};
}

}  // namespace penstock::train
