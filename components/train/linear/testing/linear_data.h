// Rows that a reference in Python makes again bit for bit.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "components/train/learner.h"

namespace penstock::train {

// Knuth's 64-bit generator; numbers in [0, 1).
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : state_(seed) {}
  double operator()() {
    state_ = state_ * 6364136223846793005U + 1442695040888963407U;
    return double(state_ >> 11U) / 9007199254740992.0;
  }

 private:
  std::uint64_t state_;
};

struct Table {
  sdk::FloatMatrix x;
  std::vector<double> noise;  // in [0, 1), of each row
  std::vector<double> y;
  std::vector<double> weight;
  std::vector<sdk::Feature> features;

  [[nodiscard]] Rows rows() const { return {&x, y, weight}; }
  // x w of the first features
  [[nodiscard]] double Linear(std::size_t i, const std::vector<double>& w) const {
    double sum = 0;
    for (std::size_t j = 0; j < w.size(); ++j) sum += w[j] * double(x.data[i * x.width + j]);
    return sum;
  }
};

inline sdk::FloatMatrix MakeMatrix(std::size_t rows, std::size_t width) {
  return {rows, width, std::make_unique<float[]>(rows * width)};
}

inline Table MakeTable(std::size_t rows, std::size_t width, std::uint64_t seed) {
  Table table{MakeMatrix(rows, width), {}, {}, {}, {}};
  Numbers next(seed);
  for (std::size_t i = 0; i < rows; ++i) {
    for (std::size_t j = 0; j < width; ++j) {
      table.x.data[i * width + j] = float((next() - 0.5) * double(j + 1) + double(j));
    }
    table.noise.push_back(next());
  }
  for (std::size_t j = 0; j < width; ++j) table.features.push_back({"f" + std::to_string(j), 0});
  return table;
}

}  // namespace penstock::train
