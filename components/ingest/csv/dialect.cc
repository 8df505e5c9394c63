#include "components/ingest/csv/dialect.h"

#include <algorithm>

#include "components/ingest/csv/rows.h"

namespace penstock::ingest {
namespace {

struct Fit {
  double share = -1;  // of the records that have as many values as the first
  std::size_t width = 0;
  bool quotes_first = false;  // every value of the first record is within quotes
  char delimiter = ',';
  std::vector<char> equal;  // delimiters with the same share
};

// Does something stand for the less usual ways to quote? A quote that is never closed does not.
bool IsUsed(const Rows& rows, const Dialect& dialect, const DialectHints& hints) {
  bool single = false, escaped = false;
  for (std::size_t i = 0; i < rows.spans.size() * rows.width; ++i) {
    const Field& field = rows.fields[i];
    if (dialect.quote == '\'' && !hints.quote && field.quoted == 0 &&
        rows.Text(field).starts_with('"'))
      return false;
    single = single || field.quoted != 0;
    escaped = escaped || field.escaped != 0;
  }
  return (hints.quote || dialect.quote != '\'' || single) &&
         (hints.backslash || !dialect.backslash || escaped);
}

Fit FitOf(std::string_view sample, const Dialect& dialect, const DialectHints& hints) {
  const Rows rows = SplitRows(sample, dialect, 0);
  const std::size_t all = rows.spans.size() + rows.bad.size();
  const double share = all == 0 ? 0 : double(rows.spans.size()) / double(all);
  if (!IsUsed(rows, dialect, hints)) return {};
  const bool quotes_first =
      !rows.spans.empty() &&
      std::all_of(rows.fields.begin(), rows.fields.begin() + std::ptrdiff_t(rows.width),
                  [](const Field& field) { return field.quoted != 0; });
  return {share, rows.width, quotes_first, dialect.delimiter, {}};
}

// The best delimiter of one way to quote.
Fit BestDelimiter(std::string_view sample, const Dialect& style, const DialectHints& hints) {
  if (hints.delimiter) {
    Dialect told = style;
    told.delimiter = *hints.delimiter;
    return FitOf(sample, told, hints);
  }
  Fit best;
  for (const char delimiter : {',', ';', '\t', '|'}) {
    Dialect candidate = style;
    candidate.delimiter = delimiter;
    Fit fit = FitOf(sample, candidate, hints);
    if (fit.width < 2) continue;
    if (fit.share > best.share) {
      best = fit;
    } else if (fit.share == best.share) {
      if (fit.width > best.width) std::swap(fit, best), best.equal = std::move(fit.equal);
      best.equal.push_back(fit.delimiter);
    }
  }
  return best;
}

std::string DelimiterName(char delimiter) {
  return delimiter == '\t' ? "\\t" : std::string(1, delimiter);
}

}  // namespace

Json DialectJson(const Dialect& dialect) {
  Json json = {{"delimiter", DelimiterName(dialect.delimiter)},
               {"quote", dialect.quote == '\0' ? "none" : std::string(1, dialect.quote)},
               {"escape", dialect.backslash ? "backslash" : "doubled"},
               {"header", dialect.header},
               {"decimal", std::string(1, dialect.decimal)},
               {"encoding", dialect.encoding}};
  if (!dialect.also_fits.empty()) json["delimitersThatFitToo"] = dialect.also_fits;
  return json;
}

Dialect SeeDialect(std::string_view sample, const DialectHints& hints) {
  Dialect seen;
  Fit best;
  for (const char quote : {'"', '\''}) {
    for (const bool backslash : {false, true}) {
      if (hints.quote.value_or(quote) != quote && hints.quote != '\0') continue;
      if (hints.backslash.value_or(backslash) != backslash) continue;
      Dialect style;
      style.quote = hints.quote.value_or(quote);
      style.backslash = backslash;
      Fit fit = BestDelimiter(sample, style, hints);
      const bool named = style.quote == '\'' && fit.quotes_first && fit.share == best.share;
      if (fit.share <= best.share && !named) continue;
      best = std::move(fit);
      seen.quote = style.quote;
      seen.backslash = backslash;
    }
  }
  if (best.share < 0) {  // one column, whatever stands between
    seen.quote = hints.quote.value_or('"');
    seen.backslash = hints.backslash.value_or(false);
  }
  seen.delimiter = hints.delimiter.value_or(best.delimiter);
  for (const char other : best.equal) seen.also_fits.push_back(DelimiterName(other));
  return seen;
}

}  // namespace penstock::ingest
