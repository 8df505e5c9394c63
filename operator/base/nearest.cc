#include "operator/base/nearest.h"

#include <algorithm>

namespace penstock {
namespace {

std::size_t EditDistance(std::string_view a, std::string_view b) {  // Levenshtein
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t above = row[j];
      row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
      diagonal = above;
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view Nearest(std::string_view word, std::span<const std::string_view> known) {
  std::string_view nearest;
  std::size_t best = std::min<std::size_t>(word.size() / 3 + 1, 3);
  for (const std::string_view k : known) {
    // What is much longer is no misspelling, and would take long to compare.
    if (k.size() > word.size() + best || word.size() > k.size() + best) continue;
    if (const std::size_t d = EditDistance(word, k); d <= best) {
      best = d;
      nearest = k;
    }
  }
  return nearest;
}

std::string DidYouMean(std::string_view word, std::span<const std::string_view> known) {
  const std::string_view nearest = Nearest(word, known);
  return nearest.empty() ? "" : "; did you mean \"" + std::string(nearest) + "\"?";
}

std::string DidYouMean(std::string_view word, const std::vector<std::string>& known) {
  const std::vector<std::string_view> views(known.begin(), known.end());
  return DidYouMean(word, std::span<const std::string_view>(views));
}

}  // namespace penstock
