#include "components/train/curve/trial_curve.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "components/sdk/row_hash.h"

namespace penstock::train {
namespace {

constexpr std::size_t kMostNumbers = 200'000;  // rows x width; times rungs and settings: 100 MB

template <typename T>
Json BinaryOfNumbers(const std::vector<T>& values) {
  return BinaryOf({reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)});
}

template <typename T>
std::vector<T> NumbersOf(const Json& binary) {
  const auto& bytes = binary.get_binary();
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
  return values;
}

}  // namespace

bool KeepsAllRungs(std::size_t rows, const Target& target) {
  return rows * target.width() <= kMostNumbers;
}

std::size_t HalfOf(std::size_t row) { return std::size_t(sdk::MixBits(row) >> 63U); }

TrialCurve::TrialCurve(std::vector<int> ladder, bool all, std::size_t patience)
    : ladder_(std::move(ladder)), all_(all), patience_(patience) {}

bool TrialCurve::Ended() const {
  if (losses_.size() == ladder_.size()) return true;
  if (losses_.empty()) return false;
  // a half that chooses for the other must have seen its own worse rungs
  const std::size_t last = all_ ? best_[2] : *std::max_element(best_.begin(), best_.end());
  return losses_.size() - 1 - last >= patience_;
}

void TrialCurve::FindBest() {
  best_ = {};
  const auto loss = [&](std::size_t rung, std::size_t of) {
    return of < 2 ? losses_[rung][of] : losses_[rung][0] + losses_[rung][1];
  };
  for (std::size_t rung = 1; rung < losses_.size(); ++rung) {
    for (std::size_t of = 0; of < 3; ++of) {
      if (loss(rung, of) < loss(best_[of], of)) best_[of] = rung;
    }
  }
}

void TrialCurve::Add(std::span<const double> losses, std::vector<double> answers) {
  std::array<double, 2> sums{};
  for (std::size_t row = 0; row < losses.size(); ++row) sums[HalfOf(row)] += losses[row];
  losses_.push_back(sums);
  FindBest();
  if (all_ || answers_.empty()) {
    answers_.push_back(std::move(answers));
    return;
  }
  const std::size_t width = losses.empty() ? 0 : answers.size() / losses.size();
  for (std::size_t row = 0; row < losses.size(); ++row) {
    if (best_[1 - HalfOf(row)] + 1 != losses_.size()) continue;
    std::copy_n(answers.begin() + std::ptrdiff_t(row * width), width,
                answers_.front().begin() + std::ptrdiff_t(row * width));
  }
}

void TrialCurve::Append(const Json& setting, std::vector<Trial>* trials) const {
  if (!all_) {
    trials->push_back({setting, answers_.front(), double(ladder_[best_[2]])});
    return;
  }
  for (std::size_t rung = 0; rung < ladder_.size(); ++rung) {
    Json named = setting;
    named["id"] = setting["id"].get<std::string>() + ", rung " + std::to_string(rung + 1);
    const std::size_t answered = std::min(rung, answers_.size() - 1);
    trials->push_back({std::move(named), answers_[answered], double(ladder_[answered])});
  }
}

Json TrialCurve::Write() const {
  Json json = {{"losses", BinaryOfNumbers(losses_)}, {"answers", Json::array()}};
  for (const auto& answers : answers_) json["answers"].push_back(BinaryOfNumbers(answers));
  return json;
}

Result<void> TrialCurve::Read(const Json& json) {
  losses_ = NumbersOf<std::array<double, 2>>(json["losses"]);
  answers_.clear();
  for (const Json& answers : json["answers"]) answers_.push_back(NumbersOf<double>(answers));
  if (losses_.size() > ladder_.size() || answers_.size() > losses_.size())
    return Internal("a checkpoint is of another ladder");
  FindBest();
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
