// Importance weights: the reference's rows, weighed so that they stand for the rows of now. A model
// that is trained on them is fitted to where it will be asked (Shimodaira, "Improving predictive
// inference under covariate shift by weighting the log-likelihood function", 2000).
//
//   w(x) = p(x | current) / p(x | reference) = odds of current given x
//
// by the domain classifier, which learnt as many rows of each side (Bickel, Brueckner, Scheffer,
// "Discriminative learning under covariate shift", 2009). A row that the classifier learnt is
// answered by the trees that did not learn it, others by the mean log odds of all. What the trees
// err by makes odds larger in the mean, so that they are divided by their mean over the learnt rows
// of the reference (self-normalized importance sampling: Owen, "Monte Carlo theory, methods and
// examples", section 9.2). Weights above the most are cut (truncated importance sampling: Ionides,
// 2008). Their mean over the reference is near 1. Effective rows: (sum w)^2 / sum w^2 (Kish, Survey
// Sampling, 1965).
//
// Memory: of each column its bins and its dictionary. Used by one thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "components/drift/bins.h"
#include "components/drift/classifier/domain.h"
#include "components/drift/options.h"
#include "components/drift/values.h"
#include "operator/base/result.h"

namespace penstock::drift {

struct Weighed {
  bool differ = false;  // the sides are told apart; else all weights are 1
  std::int64_t rows = 0;
  std::int64_t cut = 0;  // to the most
  double mean = 0;
  double effective_rows = 0;
};

class Weigher {
 public:
  explicit Weigher(const Options& options) : options_(options) {}

  // A column that the classifier sees, in its order.
  void Keep(const Pair& pair, Dictionary dictionary, Bins bins);
  // The sides are told apart by this.
  void Learn(const DomainRows& rows, DomainModel model);

  // Copies the reference with a column of weights, of the role weight. Invalid where it has a
  // column of that name or of that role.
  [[nodiscard]] Result<Weighed> Write(const std::string& reference,
                                      const std::string& folder) const;

 private:
  struct Kept {
    Pair pair;
    Dictionary dictionary;
    Bins bins;
  };
  // The classifier's features of a batch's rows.
  [[nodiscard]] Result<std::vector<BinnedFeature>> FeaturesOf(
      const arrow::RecordBatch& batch, std::vector<ColumnValues>& columns) const;
  [[nodiscard]] double MeanScore(const std::vector<BinnedFeature>& features, std::size_t row) const;

  Options options_;
  std::vector<Kept> kept_;
  DomainModel model_;
  std::unordered_map<std::size_t, double> known_;  // log odds, by place among the chosen rows
  double shift_ = 0;                               // of the log odds: by it their mean is 1
};

}  // namespace penstock::drift
