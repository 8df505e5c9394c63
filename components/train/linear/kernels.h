// The inner loops of a linear fit: float32 rows, which are half the memory to read, and sums in
// double, so that a search converges as far as its formulas go. Compiled for plain x86-64 and for
// AVX2 with FMA, the processor chooses: equal bits on one instruction set.
#pragma once

#include <cstddef>

namespace penstock::train {

struct LinearKernels {
  // z [rows, outputs] = x [rows, width] * v [outputs, width]^T
  void (*products)(const float* x, std::size_t rows, std::size_t width, const double* v,
                   std::size_t outputs, double* z);
  // g [outputs, width] += r [rows, outputs]^T * x [rows, width]
  void (*sums)(const float* x, std::size_t rows, std::size_t width, const double* r,
               std::size_t outputs, double* g);
  // gram [width, width] += a * b^T of a, b [width, rows]; the lower triangle only. Rows: a multiple
  // of 8, some hundreds at most: their sums are float.
  void (*gram)(const float* a, const float* b, std::size_t width, std::size_t rows, double* gram);
  // a . b
  double (*dot)(const double* a, const double* b, std::size_t n);
  // p = 1 / (1 + exp(-z)); returns the sum of log(1 + exp(-|z|)).
  double (*logistic)(const double* z, std::size_t rows, double* p);
};
[[nodiscard]] const LinearKernels& BestLinearKernels();
// Those of any x86-64, for tests.
[[nodiscard]] const LinearKernels& PlainLinearKernels();

}  // namespace penstock::train
