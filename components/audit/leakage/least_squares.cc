#include "components/audit/leakage/least_squares.h"

#include <cmath>

namespace penstock::audit {
namespace {

double Dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double Centre(std::vector<double>* values) {
  double mean = 0;
  for (const double v : *values) mean += v / double(values->size());
  for (double& v : *values) v -= mean;
  return mean;
}

}  // namespace

std::optional<std::vector<double>> SolveSymmetric(std::vector<double> a, std::vector<double> b,
                                                  std::size_t n) {
  for (std::size_t j = 0; j < n; ++j) {
    const double diagonal = a[j * n + j];
    double left = diagonal;
    for (std::size_t k = 0; k < j; ++k) left -= a[j * n + k] * a[j * n + k];
    if (!(left > 1e-12 * diagonal)) return std::nullopt;
    a[j * n + j] = std::sqrt(left);
    for (std::size_t i = j + 1; i < n; ++i) {
      for (std::size_t k = 0; k < j; ++k) a[i * n + j] -= a[i * n + k] * a[j * n + k];
      a[i * n + j] /= a[j * n + j];
    }
  }
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t k = 0; k < i; ++k) b[i] -= a[i * n + k] * b[k];
    b[i] /= a[i * n + i];
  }
  for (std::size_t i = n; i-- > 0;) {
    for (std::size_t k = i + 1; k < n; ++k) b[i] -= a[k * n + i] * b[k];
    b[i] /= a[i * n + i];
  }
  return b;
}

std::optional<Fit> FitColumns(std::span<const std::vector<double>> columns,
                              std::span<const double> y) {
  const std::size_t p = columns.size();
  if (y.size() < p + 2) return std::nullopt;
  std::vector<double> rest(y.begin(), y.end());
  const double magnitude = Dot(rest, rest);
  Fit fit;
  fit.constant = Centre(&rest);
  const double total = Dot(rest, rest);
  if (!(total > 1e-26 * magnitude)) return std::nullopt;  // but for what rounding leaves
  std::vector<std::vector<double>> basis(columns.begin(), columns.end());
  std::vector<double> means;
  std::vector<double> r(p * p);  // columns = basis * r, upper triangular
  std::vector<double> along(p);  // y's part along the basis
  for (std::size_t j = 0; j < p; ++j) {
    means.push_back(Centre(&basis[j]));
    const double before = Dot(basis[j], basis[j]);
    for (int pass = 0; pass < 2; ++pass) {
      for (std::size_t k = 0; k < j; ++k) {
        const double part = Dot(basis[k], basis[j]);
        r[k * p + j] += part;
        for (std::size_t i = 0; i < y.size(); ++i) basis[j][i] -= part * basis[k][i];
      }
    }
    const double length = std::sqrt(Dot(basis[j], basis[j]));
    const bool is_new = length > 1e-9 * std::sqrt(before) && before > 0;
    r[j * p + j] = is_new ? length : 0;
    for (double& v : basis[j]) v = is_new ? v / length : 0;
    for (int pass = 0; pass < 2; ++pass) {
      const double part = Dot(basis[j], rest);
      along[j] += part;
      for (std::size_t i = 0; i < y.size(); ++i) rest[i] -= part * basis[j][i];
    }
  }
  fit.unexplained = Dot(rest, rest) / total;
  fit.weights.assign(p, 0);
  for (std::size_t j = p; j-- > 0;) {
    if (r[j * p + j] == 0) continue;
    double left = along[j];
    for (std::size_t k = j + 1; k < p; ++k) left -= r[j * p + k] * fit.weights[k];
    fit.weights[j] = left / r[j * p + j];
    fit.constant -= fit.weights[j] * means[j];
  }
  return fit;
}

}  // namespace penstock::audit
