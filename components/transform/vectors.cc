#include "components/transform/vectors.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "components/model_format/words.h"
#include "components/transform/vector_file.h"
#include "operator/base/shown_text.h"
#include "operator/base/try.h"

namespace penstock::transform {
namespace {

using sdk::TransformOp;
using sdk::TransformSpec;
using sdk::TransformStep;

using Counts = std::unordered_map<std::string, std::int64_t, WordHash, std::equal_to<>>;

// The text of a row; nothing where it is null.
const std::string_view* TextOf(const sdk::Cell& cell) {
  return std::get_if<std::string_view>(&cell);
}

Counts CountWords(const sdk::TypedColumn& column, std::span<const std::uint32_t> rows) {
  Counts counts;
  for (const std::uint32_t r : rows) {
    const sdk::Cell cell = CellAt(column, r);
    const auto* text = TextOf(cell);
    if (text == nullptr) continue;
    sdk::ForEachUnicodeWord(*text, [&](std::string_view word) {
      const auto at = counts.find(word);
      if (at != counts.end()) {
        ++at->second;
      } else {
        counts.emplace(word, 1);
      }
    });
  }
  return counts;
}

std::string Share(std::int64_t part, std::int64_t all) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f %%", all == 0 ? 0 : 100 * double(part) / double(all));
  return text;
}

// The words of one column beside the file's.
struct Match {
  std::vector<std::pair<std::string, std::int64_t>> kept;  // of the file, by count
  std::int64_t words = 0;
  std::int64_t unknown = 0;                                    // of them
  std::vector<std::pair<std::int64_t, std::string>> unknowns;  // different ones, by -count
};

Match MatchWords(const Counts& counts, const VectorFile& file) {
  Match match;
  std::map<std::string, std::int64_t> kept;
  const auto has = [&](std::string_view word) { return file.Has(word); };
  for (const auto& [word, count] : counts) {
    match.words += count;
    const std::string resolved = sdk::ResolveWord(word, has);
    if (resolved.empty()) {
      match.unknown += count;
      match.unknowns.emplace_back(-count, word);
    } else {
      kept[resolved] += count;
    }
  }
  std::sort(match.unknowns.begin(), match.unknowns.end());
  match.kept.assign(kept.begin(), kept.end());
  std::stable_sort(match.kept.begin(), match.kept.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  return match;
}

// Those that the step keeps: of its column, then others.
struct Chosen {
  std::vector<std::string> words;
  std::size_t of_rows = 0;
};
Chosen Choose(const TransformStep& step, const Match& match, const VectorFile& file) {
  const auto most = std::size_t(sdk::kMostVectorValues / file.dimensions());
  Chosen chosen;
  chosen.of_rows = std::min({match.kept.size(), std::size_t(step.recipe.top), most});
  WordSet seen;
  const auto add = [&](const std::string& word) {
    if (seen.insert(word).second) chosen.words.push_back(word);
  };
  for (std::size_t i = 0; i < chosen.of_rows; ++i) add(match.kept[i].first);
  const std::size_t all = std::min(most, chosen.of_rows + std::size_t(step.recipe.parts));
  for (const auto& word : file.first()) {
    if (chosen.words.size() >= all) break;
    add(word);
  }
  return chosen;
}

std::string NoteOf(const std::string& column, const Match& match, const Chosen& chosen,
                   const VectorFile& file) {
  std::string note = "column '" + column + "': " + std::to_string(match.unknown) + " of " +
                     std::to_string(match.words) + " words (" + Share(match.unknown, match.words) +
                     ") have no vector";
  constexpr std::size_t kShown = 5;
  for (std::size_t i = 0; i < std::min(kShown, match.unknowns.size()); ++i) {
    note += (i == 0 ? ", such as '" : ", '") + plan::Shown(match.unknowns[i].second, 40) + "'";
  }
  return note + "; kept are " + std::to_string(chosen.of_rows) + " of " +
         std::to_string(match.kept.size()) + " vectors (" + std::to_string(file.dimensions()) +
         " numbers) that its words have, and " +
         std::to_string(chosen.words.size() - chosen.of_rows) + " others of the file's " +
         std::to_string(file.words());
}

void AddWanted(const Counts& counts, WordSet& wanted) {
  for (const auto& [word, count] : counts) {
    const std::string none = sdk::ResolveWord(word, [&](std::string_view form) {
      wanted.emplace(form);
      return false;
    });
    static_cast<void>(none);
  }
}

}  // namespace

bool NeedsVectors(const TransformSpec& recipe) {
  return std::any_of(recipe.steps.begin(), recipe.steps.end(), [](const TransformStep& step) {
    return step.op == TransformOp::kWordVectors;
  });
}

Result<void> AddVectors(TransformSpec& recipe, const ColumnTable& table, const std::string& file,
                        std::vector<std::string>* notes) {
  const auto rows = table.AllRows();
  std::map<std::size_t, Counts> counts;  // by input
  WordSet wanted;
  std::int64_t first = 0;
  for (const TransformStep& step : recipe.steps) {
    if (step.op != TransformOp::kWordVectors) continue;
    if (counts.contains(step.input)) continue;
    const Counts& own = counts[step.input] = CountWords(table.column(step.input), rows);
    AddWanted(own, wanted);
    first = std::max(first, step.recipe.top + step.recipe.parts);
  }
  PENSTOCK_ASSIGN(const auto found, VectorFile::Scan(file, wanted, first));
  wanted.clear();
  for (TransformStep& step : recipe.steps) {
    if (step.op != TransformOp::kWordVectors) continue;
    const std::string& column = recipe.inputs[step.input].name;
    const Match match = MatchWords(counts[step.input], found);
    if (match.kept.empty()) {
      return Invalid("column '" + column + "': wordVectors: none of its " +
                     std::to_string(match.words) + " words has a vector in " + file);
    }
    const Chosen chosen = Choose(step, match, found);
    PENSTOCK_ASSIGN(step.vectors.table, found.Read(chosen.words));
    if (notes != nullptr) notes->push_back(NoteOf(column, match, chosen, found));
  }
  return {};
}

void FitVectorMoments(TransformStep& step, const sdk::TypedColumn& column,
                      std::span<const std::uint32_t> rows) {
  __extension__ using Wide = __int128;
  const sdk::WordVectors& table = *step.vectors.table;
  const auto width = std::size_t(table.dimensions);
  float largest = 0;
  for (const float x : table.values) largest = std::max(largest, std::abs(x));
  // Whole numbers of 2^40 parts of the largest: their sums are exact in any order.
  const double unit = largest > 0 ? double(largest) * 0x1p-40 : 1;
  std::vector<Wide> sums(width);
  std::vector<Wide> squares(width);
  const sdk::WordPool pool(step.vectors.table);
  std::vector<double> pooled(width);
  std::int64_t known = 0;
  for (const std::uint32_t r : rows) {
    const sdk::Cell cell = CellAt(column, r);
    const auto* text = TextOf(cell);
    if (text == nullptr || pool.Pool(*text, step.pooling, pooled) == 0) continue;
    ++known;
    for (std::size_t i = 0; i < width; ++i) {
      const auto x = Wide(std::llround(pooled[i] / unit));
      sums[i] += x;
      squares[i] += x * x;
    }
  }
  step.values.clear();
  for (std::size_t i = 0; i < width; ++i) {
    const double n = double(std::max<std::int64_t>(1, known));
    const double mean = double(sums[i]) / n;
    const double variance = double(squares[i]) / n - mean * mean;
    constexpr double kRounding = 1e-12;  // of the mean's square: what is below is no spread
    const bool spread = variance > kRounding * mean * mean;
    step.values.push_back(mean * unit);
    step.values.push_back(spread ? std::sqrt(variance) * unit : 1);
  }
}

}  // namespace penstock::transform
