#include "components/train/linear/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>

// Vectors of the compiler (GCC, clang), not of one processor: wider than the machine's are split.
namespace penstock::train {
namespace {

#define PENSTOCK_INLINE [[gnu::always_inline]] inline

using Float4 = float __attribute__((vector_size(16)));
using Float8 = float __attribute__((vector_size(32)));
using Double4 = double __attribute__((vector_size(32)));
using Long4 = long long __attribute__((vector_size(32)));

// By reference: a vector as argument or result would depend on the instruction set.
template <typename T, typename V>
PENSTOCK_INLINE void Load(const T* from, V& to) {
  std::memcpy(&to, from, sizeof(V));
}

PENSTOCK_INLINE void LoadWide(const float* from, Double4& to) {
  Float4 own;
  Load(from, own);
  to = __builtin_convertvector(own, Double4);
}

PENSTOCK_INLINE void Fold(const Float8& from, Float4& to) {
  to = __builtin_shufflevector(from, from, 0, 1, 2, 3) +
       __builtin_shufflevector(from, from, 4, 5, 6, 7);
}

// The sums of four vectors' lanes.
template <typename V>
PENSTOCK_INLINE void SumLanes(const V (&a)[4], V& to) {
  const V s = __builtin_shufflevector(a[0], a[1], 0, 4, 1, 5) +
              __builtin_shufflevector(a[0], a[1], 2, 6, 3, 7);
  const V t = __builtin_shufflevector(a[2], a[3], 0, 4, 1, 5) +
              __builtin_shufflevector(a[2], a[3], 2, 6, 3, 7);
  to = __builtin_shufflevector(s, t, 0, 1, 4, 5) + __builtin_shufflevector(s, t, 2, 3, 6, 7);
}

// The products of kRows <= 4 rows with one vector.
template <std::size_t kRows>
PENSTOCK_INLINE void RowProducts(const float* x, std::size_t width, const double* v,
                                 std::size_t outputs, double* z) {
  Double4 sums[4] = {};
  std::size_t j = 0;
  for (; j + 4 <= width; j += 4) {
    Double4 w;
    Load(v + j, w);
    for (std::size_t i = 0; i < kRows; ++i) {
      Double4 own;
      LoadWide(x + i * width + j, own);
      sums[i] += own * w;
    }
  }
  Double4 total;
  SumLanes(sums, total);
  for (std::size_t i = 0; i < kRows; ++i) {
    double sum = total[i];
    for (std::size_t k = j; k < width; ++k) sum += double(x[i * width + k]) * v[k];
    z[i * outputs] = sum;
  }
}

PENSTOCK_INLINE void ProductsOf(const float* x, std::size_t rows, std::size_t width,
                                const double* v, std::size_t outputs, double* z) {
  for (std::size_t k = 0; k < outputs; ++k) {
    std::size_t i = 0;
    for (; i + 4 <= rows; i += 4) {
      RowProducts<4>(x + i * width, width, v + k * width, outputs, z + i * outputs + k);
    }
    for (; i < rows; ++i) {
      RowProducts<1>(x + i * width, width, v + k * width, outputs, z + i * outputs + k);
    }
  }
}

template <std::size_t kRows>
PENSTOCK_INLINE void RowSums(const float* x, std::size_t width, const double* r,
                             std::size_t outputs, double* g) {
  std::size_t j = 0;
  for (; j + 4 <= width; j += 4) {
    Double4 sum;
    Load(g + j, sum);
    for (std::size_t i = 0; i < kRows; ++i) {
      Double4 own;
      LoadWide(x + i * width + j, own);
      sum += own * r[i * outputs];
    }
    std::memcpy(g + j, &sum, sizeof(sum));
  }
  for (; j < width; ++j) {
    for (std::size_t i = 0; i < kRows; ++i) g[j] += double(x[i * width + j]) * r[i * outputs];
  }
}

PENSTOCK_INLINE void SumsOf(const float* x, std::size_t rows, std::size_t width, const double* r,
                            std::size_t outputs, double* g) {
  for (std::size_t k = 0; k < outputs; ++k) {
    std::size_t i = 0;
    for (; i + 8 <= rows; i += 8) {
      RowSums<8>(x + i * width, width, r + i * outputs + k, outputs, g + k * width);
    }
    for (; i < rows; ++i) {
      RowSums<1>(x + i * width, width, r + i * outputs + k, outputs, g + k * width);
    }
  }
}

PENSTOCK_INLINE void GramOf(const float* a, const float* b, std::size_t width, std::size_t rows,
                            double* gram) {
  for (std::size_t j = 0; j < width; ++j) {
    for (std::size_t k = 0; k <= j; k += 4) {
      const std::size_t columns = std::min<std::size_t>(4, j + 1 - k);
      Float8 sums[4] = {};
      // Beyond the triangle the last column is taken again, and not written.
      const float* own[4];
      for (std::size_t c = 0; c < 4; ++c) own[c] = b + (k + std::min(c, columns - 1)) * rows;
      for (std::size_t i = 0; i < rows; i += 8) {
        Float8 left;
        Load(a + j * rows + i, left);
        for (std::size_t c = 0; c < 4; ++c) {
          Float8 right;
          Load(own[c] + i, right);
          sums[c] += left * right;
        }
      }
      Float4 folded[4];
      for (std::size_t c = 0; c < 4; ++c) Fold(sums[c], folded[c]);
      Float4 total;
      SumLanes(folded, total);
      for (std::size_t c = 0; c < columns; ++c) gram[j * width + k + c] += double(total[c]);
    }
  }
}

PENSTOCK_INLINE double DotOf(const double* a, const double* b, std::size_t n) {
  Double4 sums[4] = {};
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (std::size_t l = 0; l < 4; ++l) {
      Double4 left;
      Double4 right;
      Load(a + i + 4 * l, left);
      Load(b + i + 4 * l, right);
      sums[l] += left * right;
    }
  }
  const Double4 total = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double sum = (total[0] + total[1]) + (total[2] + total[3]);
  for (; i < n; ++i) sum += a[i] * b[i];
  return sum;
}

// exp(x) for x in [-700, 0]: 2^n * exp(f), |f| <= log(2) / 2, by Taylor's polynomial of degree 13
// (its rest is below a double's last place).
PENSTOCK_INLINE void ExpOfNegative(const Double4& x, Double4& to) {
  constexpr double kLog2e = 1.4426950408889634;
  constexpr double kHigh = 0.693145751953125;  // log(2) in two parts (Cody and Waite)
  constexpr double kLow = 1.4286068203094172e-6;
  constexpr double kRound = 6755399441055744.0;  // 1.5 * 2^52: the sum's last bits are n
  const Double4 shifted = x * kLog2e + kRound;
  const Double4 whole = shifted - kRound;
  const Double4 f = (x - whole * kHigh) - whole * kLow;
  constexpr double kFactors[] = {
      1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040, 1. / 720,
      1. / 120,       1. / 24,       1. / 6,       0.5,         1.,         1.};
  Double4 p = Double4{} + 1. / 6227020800;
  for (const double factor : kFactors) p = p * f + factor;
  Long4 power;
  std::memcpy(&power, &shifted, sizeof(power));
  power = (power + 1023) << 52;
  Double4 scale;
  std::memcpy(&scale, &power, sizeof(scale));
  to = p * scale;
}

PENSTOCK_INLINE double LogisticOf(const double* z, std::size_t rows, double* p) {
  double sum = 0;
  for (std::size_t i = 0; i < rows; i += 256) {
    const std::size_t end = std::min(rows, i + 256);
    Double4 product = {1, 1, 1, 1};  // of at most 64 factors in [1, 2] a lane
    for (std::size_t j = i; j < end; j += 4) {
      const std::size_t own = std::min<std::size_t>(4, end - j);
      double padded[4] = {700, 700, 700, 700};  // adds nothing
      std::memcpy(padded, z + j, own * sizeof(double));
      Double4 value;
      Load(padded, value);
      const Long4 negative = value < 0.;
      Double4 size = negative ? value : -value;
      size = size < -700. ? Double4{} - 700. : size;
      Double4 e;
      ExpOfNegative(size, e);
      product *= 1. + e;
      const Double4 answer = (negative ? e : Double4{} + 1.) / (1. + e);
      std::memcpy(p + j, &answer, own * sizeof(double));
    }
    double total = 1;
    for (int l = 0; l < 4; ++l) total *= product[l];
    sum += std::log(total);
  }
  return sum;
}

void Products(const float* x, std::size_t rows, std::size_t width, const double* v,
              std::size_t outputs, double* z) {
  ProductsOf(x, rows, width, v, outputs, z);
}
void Sums(const float* x, std::size_t rows, std::size_t width, const double* r, std::size_t outputs,
          double* g) {
  SumsOf(x, rows, width, r, outputs, g);
}
void Gram(const float* a, const float* b, std::size_t width, std::size_t rows, double* gram) {
  GramOf(a, b, width, rows, gram);
}
double Dot(const double* a, const double* b, std::size_t n) { return DotOf(a, b, n); }
double Logistic(const double* z, std::size_t rows, double* p) { return LogisticOf(z, rows, p); }

#if defined(__x86_64__)
#define PENSTOCK_AVX2 __attribute__((target("avx2,fma")))
PENSTOCK_AVX2 void ProductsAvx2(const float* x, std::size_t rows, std::size_t width,
                                const double* v, std::size_t outputs, double* z) {
  ProductsOf(x, rows, width, v, outputs, z);
}
PENSTOCK_AVX2 void SumsAvx2(const float* x, std::size_t rows, std::size_t width, const double* r,
                            std::size_t outputs, double* g) {
  SumsOf(x, rows, width, r, outputs, g);
}
PENSTOCK_AVX2 void GramAvx2(const float* a, const float* b, std::size_t width, std::size_t rows,
                            double* gram) {
  GramOf(a, b, width, rows, gram);
}
PENSTOCK_AVX2 double DotAvx2(const double* a, const double* b, std::size_t n) {
  return DotOf(a, b, n);
}
PENSTOCK_AVX2 double LogisticAvx2(const double* z, std::size_t rows, double* p) {
  return LogisticOf(z, rows, p);
}
#endif

}  // namespace

const LinearKernels& PlainLinearKernels() {
  static constexpr LinearKernels kPlain = {Products, Sums, Gram, Dot, Logistic};
  return kPlain;
}

const LinearKernels& BestLinearKernels() {
#if defined(__x86_64__)
  static constexpr LinearKernels kAvx2 = {ProductsAvx2, SumsAvx2, GramAvx2, DotAvx2, LogisticAvx2};
  static const bool kHas = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (kHas) return kAvx2;
#endif
  return PlainLinearKernels();
}

}  // namespace penstock::train
