#include "components/evaluate/slices.h"

#include <arrow/api.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "components/sdk/testing/test_data.h"

namespace penstock::evaluate {
namespace {

using Where = FoundSlice::Where;

struct Rows {
  std::vector<SearchColumn> columns;
  std::vector<double> losses;
};

// Columns of four values each, drawn apart; losses of mean 1.
Rows Draw(unsigned seed, std::size_t columns, int rows) {
  std::mt19937 random(seed);
  std::exponential_distribution<double> loss;
  Rows drawn;
  for (std::size_t c = 0; c < columns; ++c) {
    drawn.columns.push_back({"c" + std::to_string(c), {"a", "b", "c", "d"}, {}});
    for (int r = 0; r < rows; ++r) drawn.columns[c].codes.push_back(std::uint16_t(random() % 4));
  }
  for (int r = 0; r < rows; ++r) drawn.losses.push_back(loss(random));
  return drawn;
}

// Every slice of up to three columns, its Welch statistic worked out plainly; the largest.
std::pair<std::vector<Where>, double> WorstOfAll(const Rows& rows, std::size_t depth,
                                                 std::size_t min_rows) {
  std::pair<std::vector<Where>, double> best{{}, -1e9};
  std::vector<std::vector<Where>> slices = {{}};
  for (std::size_t d = 0; d < depth; ++d) {
    std::vector<std::vector<Where>> next;
    for (const auto& slice : slices) {
      for (std::size_t c = slice.empty() ? 0 : slice.back().column + 1; c < rows.columns.size();
           ++c) {
        for (std::size_t v = 0; v < rows.columns[c].values.size(); ++v) {
          auto wider = slice;
          wider.push_back({c, v});
          next.push_back(wider);
          std::vector<double> in, out;
          for (std::size_t r = 0; r < rows.losses.size(); ++r) {
            const bool holds = std::all_of(wider.begin(), wider.end(), [&](const Where& w) {
              return rows.columns[w.column].codes[r] == w.value;
            });
            (holds ? in : out).push_back(rows.losses[r]);
          }
          if (in.size() < min_rows || out.size() < min_rows) continue;
          const auto moments = [](const std::vector<double>& values) {
            double mean = 0, squares = 0;
            for (const double x : values) mean += x / double(values.size());
            for (const double x : values) squares += (x - mean) * (x - mean);
            return std::pair(mean, squares / double(values.size() - 1) / double(values.size()));
          };
          const auto [mean_in, var_in] = moments(in);
          const auto [mean_out, var_out] = moments(out);
          const double t = (mean_in - mean_out) / std::sqrt(var_in + var_out);
          if (t > best.second) best = {wider, t};
        }
      }
    }
    slices = std::move(next);
  }
  return best;
}

TEST(WorstSlices, FindsTheWorstOfAllSlices) {
  for (const std::size_t depth : {1U, 2U, 3U}) {
    for (unsigned seed = 0; seed < 6; ++seed) {
      Rows rows = Draw(seed, 5, 1500);
      // Two columns together are worse, neither alone as much.
      for (std::size_t r = 0; r < rows.losses.size(); ++r) {
        if (rows.columns[1].codes[r] == 2 && rows.columns[3].codes[r] == 0) rows.losses[r] += 1.5;
      }
      SearchOptions options;
      options.depth = depth;
      options.min_rows = 20;
      options.significance = 1;
      const Search search = WorstSlices(rows.columns, rows.losses, options);
      const auto [where, t] = WorstOfAll(rows, depth, 20);
      ASSERT_FALSE(search.found.empty());
      EXPECT_EQ(search.found[0].where, where) << depth << " " << seed;
      EXPECT_NEAR(search.found[0].t, t, 1e-9);
      if (depth >= 2) {
        EXPECT_EQ(where, (std::vector<Where>{{1, 2}, {3, 0}}));
      }
    }
  }
}

TEST(WorstSlices, SeldomFindsAnythingWhereNothingIsWorse) {
  int found = 0;
  SearchOptions options;
  options.min_rows = 50;
  for (unsigned seed = 0; seed < 100; ++seed) {
    const Rows rows = Draw(100 + seed, 6, 1500);
    const Search search = WorstSlices(rows.columns, rows.losses, options);
    found += search.found.empty() ? 0 : 1;
    EXPECT_GT(search.looked_at, 200U);
  }
  EXPECT_LE(found, 12);  // 5 of 100 by the correction, as far as Student's distribution holds
}

TEST(WorstSlices, NamesTheWiderSliceAndNotItsParts) {
  Rows rows = Draw(3, 4, 4000);
  for (std::size_t r = 0; r < rows.losses.size(); ++r) {
    if (rows.columns[2].codes[r] == 1) rows.losses[r] += 1;
  }
  const Search search = WorstSlices(rows.columns, rows.losses, {});
  ASSERT_EQ(search.found.size(), 1U);
  EXPECT_EQ(search.found[0].where, (std::vector<Where>{{2, 1}}));
  EXPECT_LT(search.found[0].p_value, 1e-6);
  for (const std::uint32_t r : search.found[0].rows) EXPECT_EQ(rows.columns[2].codes[r], 1);
  EXPECT_NEAR(search.found[0].loss - search.found[0].elsewhere, 1, 0.15);
}

TEST(WorstSlices, LeavesSmallSlicesAlone) {
  Rows rows = Draw(4, 2, 400);
  for (int r = 0; r < 10; ++r) {
    rows.columns[0].codes[std::size_t(r)] = kNoValue;
    rows.losses[std::size_t(r)] = 1000;
  }
  for (const auto& slice : WorstSlices(rows.columns, rows.losses, {}).found) {
    EXPECT_GE(slice.rows.size(), 50U);
  }
  EXPECT_TRUE(WorstSlices({}, rows.losses, {}).found.empty());
}

TEST(LoadSearchColumns, TakesRangesOfNumbersAndTellsNullFromItsText) {
  const sdk::TestFolder folder;
  Json rows = Json::array();
  for (int i = 0; i < 100; ++i) {
    rows.push_back({i, i % 3, i % 4 == 0 ? Json() : Json(i % 4 == 1 ? "null" : "x")});
  }
  sdk::WriteDataset(folder / "d", {sdk::BatchOf({arrow::field("n", arrow::int64()),
                                                 arrow::field("few", arrow::int64()),
                                                 arrow::field("t", arrow::utf8())},
                                                rows.dump())});
  Scored scored;
  scored.labels.assign(100, 0);
  const auto columns = LoadSearchColumns(folder / "d", {"n", "few", "t"}, scored);
  ASSERT_TRUE(columns) << columns.error().message;
  std::set<Json> of_n((*columns)[0].values.begin(), (*columns)[0].values.end());
  EXPECT_EQ(of_n, (std::set<Json>{{{"from", 0.0}, {"below", 25.0}},
                                  {{"from", 25.0}, {"below", 50.0}},
                                  {{"from", 50.0}, {"below", 75.0}},
                                  {{"from", 75.0}, {"to", 99.0}}}));
  EXPECT_EQ((*columns)[1].values.size(), 3U);
  const std::set<Json> of_t((*columns)[2].values.begin(), (*columns)[2].values.end());
  EXPECT_EQ(of_t, (std::set<Json>{Json(), "null", "x"}));
  // Of the scored rows alone.
  scored.labels.assign(2, 0);
  scored.rows = {4, 99};
  const auto some = LoadSearchColumns(folder / "d", {"t"}, scored);
  ASSERT_EQ((*some)[0].codes.size(), 2U);
  EXPECT_EQ((*some)[0].values[(*some)[0].codes[0]], Json());
  EXPECT_EQ((*some)[0].values[(*some)[0].codes[1]], "x");
  // Of some of them.
  const std::vector<std::uint32_t> places = {1};
  const auto one = LoadSearchColumns(folder / "d", {"t"}, scored, places);
  ASSERT_EQ((*one)[0].codes.size(), 1U);
  EXPECT_EQ((*one)[0].values[(*one)[0].codes[0]], "x");
}

// Each text that differs was held as JSON, of millions of rows, too.
TEST(LoadSearchColumns, CountsNoMoreThanTheFirstTextsThatDiffer) {
  const sdk::TestFolder folder;
  arrow::StringBuilder t;
  constexpr int kRows = 60'000;
  for (int i = 0; i < kRows; ++i) {
    EXPECT_TRUE(t.Append(i % 3 == 0 ? "often" : "t" + std::to_string(i)).ok());
    if (i % 3 != 0) continue;
    EXPECT_TRUE(t.Append("last" + std::to_string(i)).ok());
  }
  sdk::WriteDataset(folder / "d",
                    {arrow::RecordBatch::Make(arrow::schema({arrow::field("t", arrow::utf8())}),
                                              kRows / 3 * 4, {t.Finish().ValueOrDie()})});
  Scored scored;
  scored.labels.assign(kRows / 3 * 4, 0);
  const auto columns = LoadSearchColumns(folder / "d", {"t"}, scored);
  ASSERT_TRUE(columns) << columns.error().message;
  EXPECT_EQ((*columns)[0].values.front(), "often");
  EXPECT_EQ(std::count((*columns)[0].codes.begin(), (*columns)[0].codes.end(), 0), kRows / 3);
  EXPECT_EQ((*columns)[0].codes.back(), kNoValue);
}

TEST(LoadSearchColumns, ShowsTimesAsTimes) {
  const sdk::TestFolder folder;
  Json rows = Json::array();
  for (int second = 10; second < 50; ++second) {
    rows.push_back(Json::array({"2024-05-31T12:00:" + std::to_string(second) + "Z"}));
  }
  sdk::WriteDataset(
      folder / "d",
      {sdk::BatchOf({arrow::field("t", arrow::timestamp(arrow::TimeUnit::MICRO))}, rows.dump())});
  Scored scored;
  scored.labels.assign(40, 0);
  const auto columns = LoadSearchColumns(folder / "d", {"t"}, scored);
  ASSERT_TRUE(columns) << columns.error().message;
  ASSERT_EQ((*columns)[0].values.size(), 4U);
  EXPECT_EQ((*columns)[0].values[0]["from"], "2024-05-31T12:00:10Z");
  EXPECT_EQ((*columns)[0].values[0]["below"], "2024-05-31T12:00:20Z");
}

TEST(LoadSlicesOf, CrossesColumnsAndKeepsNullApart) {
  const sdk::TestFolder folder;
  sdk::WriteDataset(
      folder / "d",
      {sdk::BatchOf({arrow::field("a", arrow::utf8()), arrow::field("b", arrow::int64())},
                    R"([["null", 1], [null, 1], ["null", 2], [null, 1]])")});
  Scored scored;
  scored.labels.assign(4, 0);
  const auto slices = LoadSlicesOf(folder / "d", {{"a"}, {"a", "b"}}, scored);
  ASSERT_TRUE(slices) << slices.error().message;
  EXPECT_EQ((*slices)[0].values, (std::vector<Json>{"null", Json()}));
  EXPECT_EQ((*slices)[1].name, "a x b");
  EXPECT_EQ((*slices)[1].values,
            (std::vector<Json>{Json{"null", "1"}, Json{nullptr, "1"}, Json{"null", "2"}}));
  EXPECT_EQ((*slices)[1].codes, (std::vector<std::uint32_t>{0, 1, 2, 1}));
  EXPECT_FALSE(LoadSlicesOf(folder / "d", {{"a", "a"}}, scored));
  EXPECT_FALSE(LoadSlicesOf(folder / "d", {{"nowhere"}}, scored));
}

}  // namespace
}  // namespace penstock::evaluate
