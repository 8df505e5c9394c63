#include "components/model_format/text_terms.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace penstock::sdk {
namespace {

std::vector<std::string> Grams(std::string_view text, int shortest, int longest) {
  std::vector<std::string> grams;
  ForEachGram(text, shortest, longest, [&](std::string_view g) { grams.emplace_back(g); });
  return grams;
}

// scikit-learn 1.9's CountVectorizer(analyzer="char_wb", ngram_range=(2, 4)).build_analyzer().
TEST(TextTerms, HasTheGramsOfScikitLearn) {
  EXPECT_EQ(Grams("ab", 2, 4), (std::vector<std::string>{" a", "ab", "b ", " ab", "ab ", " ab "}));
  EXPECT_EQ(Grams("A b", 2, 3), (std::vector<std::string>{" a", "a ", " a ", " b", "b ", " b "}));
  EXPECT_EQ(Grams("a", 4, 5), (std::vector<std::string>{" a "}));
}

TEST(TextTerms, CountsCodePointsSoThatAParticleKeepsTheWordsGrams) {
  const auto word = Grams("학교", 2, 3);
  EXPECT_EQ(word, (std::vector<std::string>{" 학", "학교", "교 ", " 학교", "학교 "}));
  const auto with_particle = Grams("학교에서", 2, 3);
  std::size_t shared = 0;
  for (const auto& gram : word) {
    shared += std::count(with_particle.begin(), with_particle.end(), gram) > 0 ? 1 : 0;
  }
  EXPECT_EQ(shared, 3U);  // " 학", "학교", " 학교"
  EXPECT_EQ(CountCharacters("학교 a"), 4);
  EXPECT_EQ(CountWords("학교에서, the school-1"), 4);
}

TEST(TextTerms, SurvivesBytesThatAreNoText) {
  EXPECT_EQ(CountCharacters("\xFF\xC3"), 2);
  EXPECT_EQ(Grams("\x80", 2, 2).size(), 2U);
  EXPECT_TRUE(Grams("", 2, 4).empty());
  EXPECT_TRUE(Grams("  \t", 2, 4).empty());
}

TEST(TextTerms, SplitsPartsAtTheSeparator) {
  std::vector<std::string> parts;
  ForEachPart(" a ;b;;c d; ", ";", [&](std::string_view p) { parts.emplace_back(p); });
  EXPECT_EQ(parts, (std::vector<std::string>{"a", "b", "c d"}));
}

}  // namespace
}  // namespace penstock::sdk
