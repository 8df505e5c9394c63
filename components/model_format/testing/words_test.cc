#include "components/model_format/words.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace penstock::sdk {
namespace {

using Words = std::vector<std::string>;

Words Of(std::string_view text) {
  Words words;
  ForEachUnicodeWord(text, [&](std::string_view w) { words.emplace_back(w); });
  return words;
}

TEST(Words, EndAtBlanksAndPunctuationOfAnyScript) {
  EXPECT_EQ(Of("It's  a_1 (test)!"), (Words{"It", "s", "a_1", "test"}));
  EXPECT_EQ(Of("“날씨”가 좋다…「서울」、부산。"), (Words{"날씨", "가", "좋다", "서울", "부산"}));
  EXPECT_EQ(Of("naïve—café\u00A0Straße"), (Words{"naïve", "café", "Straße"}));
  EXPECT_EQ(Of("가격：１００원，끝"), (Words{"가격", "１００원", "끝"}));
  EXPECT_EQ(Of(" \t\n"), Words{});
  EXPECT_EQ(Of(""), Words{});
}

// Names of files of a Mac come in letters; the same word was another one.
TEST(Words, HangulOfLettersIsTheSameWordAsOfSyllables) {
  const std::string letters = "\u1112\u1161\u11A8\u1100\u116D";  // ㅎㅏㄱㄱㅛ
  EXPECT_EQ(Of(letters), Words{"학교"});
  EXPECT_EQ(ComposeHangul(letters), "학교");
  EXPECT_EQ(ComposeHangul("하\u11A8교"), "학교");
  EXPECT_EQ(ComposeHangul("학\u11A8"), "학\u11A8");  // has a last letter already
  EXPECT_EQ(ComposeHangul("\u1161a"), "\u1161a");
}

TEST(Words, KeepBytesThatAreNoUtf8AndSayThatTheyAreNone) {
  EXPECT_EQ(Of("a\xFF\xC3 b\xED\xA0\x80"), (Words{"a\xFF\xC3", "b\xED\xA0\x80"}));
  EXPECT_FALSE(IsUtf8("a\xFF"));
  EXPECT_FALSE(IsUtf8("\xED\xA0\x80"));  // a surrogate
  EXPECT_FALSE(IsUtf8("\xC0\xAF"));      // an overlong slash
  EXPECT_FALSE(IsUtf8("\xF4\x90\x80\x80"));
  EXPECT_FALSE(IsUtf8("\xEA\xB0"));
  EXPECT_TRUE(IsUtf8("가a😀"));
}

TEST(Words, KnowHangul) {
  EXPECT_TRUE(IsHangulWord("학교"));
  EXPECT_FALSE(IsHangulWord("학교1"));
  EXPECT_FALSE(IsHangulWord(""));
  EXPECT_EQ(SmallLetters("ÄBc가"), "Äbc가");
}

}  // namespace
}  // namespace penstock::sdk
