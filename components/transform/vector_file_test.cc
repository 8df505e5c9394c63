#include "components/transform/vector_file.h"

#include <gtest/gtest.h>

#include "components/sdk/testing/test_data.h"
#include "operator/base/file.h"

namespace penstock::transform {
namespace {

class VectorFileTest : public ::testing::Test {
 protected:
  Result<VectorFile> Scan(const std::string& text, const WordSet& wanted = {},
                          std::int64_t first = 100) {
    EXPECT_TRUE(WriteFileAtomically(folder_ / "v.vec", text));
    return VectorFile::Scan(folder_ / "v.vec", wanted, first);
  }
  std::string Problem(const std::string& text) {
    const auto file = Scan(text);
    if (file) return "accepted";
    const std::string& message = file.error().message;
    EXPECT_TRUE(message.starts_with(folder_ / "v.vec")) << message;
    return message.substr((folder_ / "v.vec").size());
  }
  std::vector<float> Values(const VectorFile& file, const std::vector<std::string>& words) {
    const auto read = file.Read(words);
    EXPECT_TRUE(read) << (read ? "" : read.error().message);
    return read ? (*read)->values : std::vector<float>();
  }

  sdk::TestFolder folder_;
};

TEST_F(VectorFileTest, ReadsTheFormsOfGloveWord2vecAndFastText) {
  const std::vector<std::string> texts = {
      "the 0.5 -1\n날씨 1e-3 2\n",         // GloVe
      "2 2\nthe 0.5 -1\n날씨 1e-3 2\n",    // word2vec
      "2 2\nthe 0.5 -1 \n날씨 1e-3 2 \n",  // fastText: a blank behind
      "2 2\r\nthe 0.5 -1\r\n날씨 1e-3 2",  // another system's lines, no end of the last
      "\xEF\xBB\xBF"
      "the 0.5 -1\n날씨\t1e-3\t2\n"};
  for (const auto& text : texts) {
    const auto file = Scan(text, {"날씨", "no"});
    ASSERT_TRUE(file) << text << file.error().message;
    EXPECT_EQ(file->dimensions(), 2) << text;
    EXPECT_EQ(file->words(), 2);
    EXPECT_EQ(file->first(), (std::vector<std::string>{"the", "날씨"}));
    EXPECT_FALSE(file->Has("no"));
    EXPECT_EQ(Values(*file, {"날씨", "the"}), (std::vector<float>{1e-3F, 2, 0.5F, -1}));
  }
}

TEST_F(VectorFileTest, KeepsTheWantedWordsAndTheFirstOnesThatATextCanHave) {
  const auto file = Scan("a 1\n, 2\nb c 3\nn't 4\nd 5\ne 6\nf 7\n\xFF 8\n", {"f"}, 2);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->words(), 8);
  EXPECT_EQ(file->first(), (std::vector<std::string>{"a", "d"}));
  EXPECT_TRUE(file->Has("f"));
  EXPECT_FALSE(file->Has("e"));
  EXPECT_EQ(file->unusable(), 3);
}

TEST_F(VectorFileTest, TakesNumbersWithAPlusBeforeThem) {
  const auto file = Scan("a +0.5 -1\nb 1 +2e+01\n", {"a", "b"}, 0);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(Values(*file, {"a", "b"}), (std::vector<float>{0.5F, -1, 1, 20}));
}

// The same word in letters and in syllables is one to a text: the earlier line's.
TEST_F(VectorFileTest, ComposesHangul) {
  const auto file = Scan("\u1112\u1161\u11A8 1\n학 2\n", {"학"}, 0);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(Values(*file, {"학"}), std::vector<float>{1});
}

TEST_F(VectorFileTest, SaysInWhichLineWhatIsWrong) {
  EXPECT_EQ(Problem("a 1 2\nb 1\n"), ", line 2: has 1 numbers behind a word, line 1 has 2");
  EXPECT_EQ(Problem("2 3\na 1 2 3\nb 1 2\n"),
            ", line 3: has 2 numbers behind a word, line 1 says 3");
  EXPECT_EQ(Problem("a 1 2\nb 1 2 3\n"), ", line 2: has more numbers than 2, which line 1 has");
  EXPECT_EQ(Problem("a 1 2\nb 1 x2\n"), ", line 2: 'x2' is no finite number");
  EXPECT_EQ(Problem("a 1 2\nb nan 2\n"), ", line 2: 'nan' is no finite number");
  EXPECT_EQ(Problem("a 1 2\nb 1 1e39\n"), ", line 2: '1e39' is no finite number");
  EXPECT_EQ(Problem("a 1 2\nb 1 2\nc 3 4\nb 5 6\n"),
            ", line 4: its word stands in line 2 too; leave one of them out");
  EXPECT_EQ(Problem("a 1 2\n\nb 1 2\n"), ", line 2: is empty");
  EXPECT_EQ(Problem("word\n"), ", line 1: has no numbers behind its word");
  EXPECT_EQ(Problem("a 1 2\n 1 2\n"),
            ", line 2: begins with a blank: its word is empty; leave the line out");
  EXPECT_EQ(Problem("a 1 2\n 1\n"), ", line 2: has 0 numbers behind a word, line 1 has 2");
  EXPECT_EQ(Problem("a 1 2\nb 1 +-2\n"), ", line 2: '+-2' is no finite number");
  EXPECT_EQ(Problem("2 9999\n"), ", line 1: a word has 9999 numbers; 1 to 4096 can be used");
  EXPECT_EQ(Problem("3 2\na 1 2\nb 1 2\n"),
            ": its first line says 3 words, and it has 2; it may have been cut off");
  EXPECT_EQ(Problem(""), ": has no word");
  EXPECT_EQ(Problem("\x1F\x8B\x08\n"), ", line 1: the file is packed (gzip); unpack it first");
  EXPECT_EQ(Problem(std::string("2 2\na \0\0\1\n", 11)),
            ", line 2: holds a NUL byte: the file is no text; give the vectors in their text form "
            "(.vec)");
  EXPECT_EQ(Problem("a " + std::string(3 << 20, '1')),
            ", line 1: is longer than 1 MiB: the file is no text of word vectors");
  EXPECT_FALSE(VectorFile::Scan(folder_.path(), {}, 1));
  EXPECT_FALSE(VectorFile::Scan(folder_ / "none", {}, 1));
}

TEST_F(VectorFileTest, ReadsAFileThatIsLargerThanWhatIsReadAtOnce) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) {
    text += "w" + std::to_string(i) + " " + std::to_string(i) + " -0.25\n";
  }
  const auto file = Scan(text, {"w199999", "w77777"}, 1);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->words(), 200'000);
  EXPECT_EQ(Values(*file, {"w77777", "w0", "w199999"}),
            (std::vector<float>{77777, -0.25F, 0, -0.25F, 199999, -0.25F}));
}

}  // namespace
}  // namespace penstock::transform
