#include "components/audit/rows/duplicates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "components/audit/rows/near_duplicates.h"
#include "components/audit/rows/sim_hash.h"
#include "components/audit/testing/columns.h"

namespace penstock::audit {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

template <typename Fn>
auto Of(std::size_t rows, Fn fn) {
  std::vector<decltype(fn(std::size_t{0}))> values;
  for (std::size_t i = 0; i < rows; ++i) values.push_back(fn(i));
  return values;
}

// Row i has what row `like(i)` has; ids differ.
template <typename Like>
Columns Rows(std::size_t rows, Like like) {
  Columns columns;
  columns.Integers("id", Of(rows, [](std::size_t i) { return std::int64_t(i); }));
  columns.Numbers("x", Of(rows, [&](std::size_t i) { return Uniform(like(i), 1); }));
  columns.Numbers("z", Of(rows, [&](std::size_t i) { return Uniform(like(i), 2); }));
  columns.Integers("y", Of(rows, [&](std::size_t i) { return std::int64_t(like(i) % 2); }));
  return columns.Role("id", sdk::Role::kId);
}

struct Parts {
  sdk::TestFolder folder;
  std::vector<Part> parts;

  void Add(const std::string& name, const Columns& columns, std::int64_t first = 0,
           std::int64_t count = -1) {
    columns.Write(folder / name, first, count);
    parts.push_back({name, folder / name});
  }
  Duplicates Find(std::int64_t most = kMostHashes) const {
    auto found = FindDuplicates(parts, {"y", most});
    EXPECT_TRUE(found) << (found ? "" : found.error().message);
    return *std::move(found);
  }
  std::vector<std::string> Said() const {
    Findings findings;
    SayDuplicates(parts, Find(), &findings);
    std::vector<std::string> said;
    for (const auto& f : findings.all()) {
      said.push_back(f.check + " " + f.where + " " + Name(f.severity));
    }
    return said;
  }
};

TEST(Duplicates, AreCountedWithinAPartAndAcrossParts) {
  Parts parts;
  // Rows 90 to 99 of train are rows 0 to 9 again; test has rows 0 to 3 and 96 of its own.
  parts.Add("train", Rows(100, [](std::size_t i) { return i < 90 ? i : i - 90; }));
  parts.Add("test", Rows(100, [](std::size_t i) { return i < 4 ? i : i + 1000; }));
  const auto found = parts.Find();
  EXPECT_THAT(found.distinct, ElementsAre(90, 100));
  ASSERT_EQ(found.overlaps.size(), 2U);
  EXPECT_EQ(found.overlaps[0].rows, 10);
  EXPECT_THAT(found.overlaps[0].first, testing::Each(testing::Ge(90)));
  EXPECT_EQ(found.overlaps[1].of, 1U);
  EXPECT_EQ(found.overlaps[1].with, 0U);
  EXPECT_EQ(found.overlaps[1].rows, 4);
  EXPECT_THAT(parts.Said(),
              ElementsAre("duplicates train warning", "duplicates test, train error"));
}

TEST(Duplicates, OfFewAreAWarningAndOfARowsNatureNoError) {
  Parts few;
  few.Add("train", Rows(300, [](std::size_t i) { return i; }));
  few.Add("valid", Rows(300, [](std::size_t i) { return i + 299; }));
  EXPECT_THAT(few.Said(), ElementsAre("duplicates valid, train warning"));
  // Twenty different rows in all.
  Parts nature;
  nature.Add("train", Rows(300, [](std::size_t i) { return i % 20; }));
  nature.Add("valid", Rows(300, [](std::size_t i) { return i % 20; }));
  EXPECT_THAT(nature.Said(), ElementsAre("duplicates train info", "duplicates valid, train warning",
                                         "duplicates valid info"));
  Parts none;
  none.Add("train", Rows(300, [](std::size_t i) { return i; }));
  none.Add("valid", Rows(300, [](std::size_t i) { return i + 300; }));
  EXPECT_THAT(none.Said(), IsEmpty());
}

TEST(Duplicates, HaveTheSameShareInASample) {
  Parts parts;
  parts.Add("train", Rows(20'000, [](std::size_t i) { return i / 2; }));
  const auto found = parts.Find(4000);
  EXPECT_NEAR(found.share, 0.2, 1e-9);
  EXPECT_NEAR(double(found.rows[0]), 4000, 250);
  ASSERT_EQ(found.overlaps.size(), 1U);
  EXPECT_EQ(found.overlaps[0].rows * 2, found.rows[0]);  // each pair is in or out together
}

TEST(Duplicates, TellOfEqualFeaturesWithDifferentLabelsWhatIsRightAtBest) {
  Columns columns;
  columns.Numbers("x", {1, 1, 1, 2, 2, 3});
  columns.Integers("y", {0, 0, 1, 1, 1, 0});
  Parts parts;
  parts.Add("train", columns);
  const auto found = parts.Find();
  EXPECT_EQ(found.contradicting, 3);
  EXPECT_EQ(found.contradicting_groups, 1);
  EXPECT_EQ(found.with_majority, 5);
  EXPECT_THAT(found.first_contradicting, testing::UnorderedElementsAre(0, 1, 2));
  EXPECT_THAT(parts.Said(), testing::Contains("contradictions train warning"));
}

TEST(Duplicates, RefuseAPartThatLacksAColumn) {
  Parts parts;
  parts.Add("train", Columns().Numbers("x", {1}).Integers("y", {0}));
  parts.Add("test", Columns().Integers("y", {0}));
  const auto found = FindDuplicates(parts.parts, {"y"});
  ASSERT_FALSE(found);
  EXPECT_THAT(found.error().message, HasSubstr("input test has no column x"));
}

const char* kText =
    "The quick brown fox jumps over the lazy dog near the old mill by the river every morning "
    "before the sun has risen over the hills and the birds begin to sing in the tall trees";

TEST(SimHash, IsNearOfTextsThatShareMostWordsAndFarOfOthers) {
  std::string changed = kText;
  changed.replace(changed.find("birds"), 5, "Birds");
  EXPECT_EQ(Distance(SimHash(kText), SimHash(changed)), 0);
  EXPECT_LE(Distance(SimHash(kText), SimHash(std::string(kText) + " again")), 12);
  EXPECT_GT(Distance(SimHash(kText), SimHash("Something else is written here, of other things "
                                             "that nobody has said before today in this town")),
            15);
  EXPECT_EQ(SimHash("  ... "), 0U);
  EXPECT_NE(SimHash("서울 날씨"), SimHash("부산 날씨"));
}

TEST(SimHash, FindsThePairsOfAtMostThreeBits) {
  const std::uint64_t a = 0x0123456789ABCDEFULL;
  const std::uint64_t three = a ^ (1ULL << 3) ^ (1ULL << 20) ^ (1ULL << 60);
  const std::uint64_t four = a ^ 0xFULL;
  EXPECT_THAT(NearPairs({a, ~a, three, 0, 0, four}, 100), ElementsAre(std::pair(0U, 2U)));
  EXPECT_THAT(NearPairs({a, a, a}, 2).size(), 2U);
}

TEST(NearDuplicates, AreFoundByTextAndByRoundedNumbersButNotEqualRows) {
  const auto sentence = [](std::size_t i) {
    std::string text;
    for (std::size_t w = 0; w < 40; ++w) {
      text += "word" + std::to_string(std::size_t(900 * Uniform(i * 100 + w, 3))) + " ";
    }
    return text;
  };
  Parts texts;
  texts.Add("train", Columns()
                         .Texts("t", Of(50, [&](std::size_t i) { return sentence(i); }))
                         .Integers("y", Of(50, [](std::size_t i) { return std::int64_t(i % 2); })));
  texts.Add("test", Columns()
                        .Texts("t", {sentence(3) + "!", sentence(4), sentence(99)})
                        .Integers("y", {1, 0, 1}));
  const auto found = FindNearDuplicates(texts.parts, "y", 0);
  ASSERT_TRUE(found) << found.error().message;
  ASSERT_EQ(found->pairs.size(), 1U);
  EXPECT_EQ(found->pairs[0].row, 0);
  EXPECT_EQ(found->pairs[0].other, 3);
  Findings findings;
  SayNearDuplicates(texts.parts, *found, &findings);
  EXPECT_EQ(findings.Count(Severity::kWarning), 1);

  const auto numbers = [](double off) {
    Columns columns;
    for (std::uint64_t c = 0; c < 3; ++c) {
      columns.Numbers("x" + std::to_string(c), Of(20, [&](std::size_t i) {
                        return 1.111111 + double(i) + double(c) + off;
                      }));
    }
    return columns.Integers("y", Of(20, [](std::size_t) { return std::int64_t{1}; }));
  };
  Parts rounded;
  rounded.Add("train", numbers(0));
  rounded.Add("test", numbers(1e-5));
  EXPECT_EQ(FindNearDuplicates(rounded.parts, "y", 0)->found, 20);
  Parts equal;
  equal.Add("train", numbers(0));
  equal.Add("test", numbers(0));
  EXPECT_EQ(FindNearDuplicates(equal.parts, "y", 0)->found, 0);
}

}  // namespace
}  // namespace penstock::audit
