// Ended and gone on from a checkpoint, a run gives the bits of one that was not ended.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>

#include "components/train/boosting/boosting.h"
#include "components/train/boosting/testing/boosting_data.h"
#include "components/train/learner.h"
#include "operator/base/file.h"

namespace penstock::train {
namespace {

Table MixedTable(std::size_t classes, unsigned seed) {
  Table table = MakeTable(700, 4, seed, [&](float* row, std::mt19937& random) {
    row[0] = float(random() % 9);
    if (random() % 6 == 0) row[1] = std::numeric_limits<float>::quiet_NaN();
    const double noisy = double(row[0]) / 9 + double(row[2]) + Unit(random);
    return classes == 0 ? noisy : double(std::size_t(noisy * double(classes) / 3));
  });
  table.features[0].cardinality = 10;
  return table;
}

class BoostingCheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = testing::TempDir() + "boosting.checkpoint." + std::to_string(getpid());
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  // Stops at the n-th question.
  static std::function<bool()> StopAt(int n) {
    return [n]() mutable { return --n < 0; };
  }

  std::string folder_;
};

std::string BytesOfModel(const Fitted& fitted) {
  const std::string folder = testing::TempDir() + "boosting.bytes." + std::to_string(getpid());
  std::filesystem::create_directories(folder);
  sdk::ModelManifest manifest;
  EXPECT_TRUE(fitted.Save(folder, manifest));
  const std::string bytes = ReadFile(folder + "/" + manifest.file).value();
  std::filesystem::remove_all(folder);
  return bytes;
}

TEST_F(BoostingCheckpointTest, AFitThatWasStoppedManyTimesIsTheUnbrokenOneToTheBit) {
  for (const Target& target :
       {Classes(2), Classes(3), Regression(Loss::kSquared), Regression(Loss::kAbsolute),
        Regression(Loss::kQuantile), Regression(Loss::kPoisson), Regression(Loss::kHuber)}) {
    const Table table = MixedTable(target.classes, 21);
    Context context = ContextOf(table, target);
    const Json setting = Setting(4, 0.7);
    const std::string unbroken = BytesOfModel(*Fit(table, context, setting, 50));
    context.checkpoint = folder_;
    int stops = 0;
    for (;; ++stops) {
      ASSERT_LT(stops, 20);
      context.stop = StopAt(7);
      const auto fitted = MakeBoosting({})->Fit(table.rows(), setting, 50, context);
      if (fitted) {
        EXPECT_EQ(BytesOfModel(**fitted), unbroken) << int(target.loss) << target.classes;
        break;
      }
      EXPECT_EQ(fitted.error().kind, ErrorKind::kCancelled);
    }
    EXPECT_EQ(stops, 7) << "each went on where the last was stopped";
  }
}

TEST_F(BoostingCheckpointTest, ATryThatWasStoppedManyTimesIsTheUnbrokenOneToTheBit) {
  const Table table = MixedTable(3, 22);
  const Table held_out = MixedTable(3, 23);
  Context context = ContextOf(table, Classes(3));
  const auto learner = MakeBoosting({});
  const auto unbroken = learner->Try(table.rows(), held_out.rows(), context).value();
  context.checkpoint = folder_;
  for (int stops = 0;; ++stops) {
    ASSERT_LT(stops, 100);
    context.stop = StopAt(37);
    const auto trials = learner->Try(table.rows(), held_out.rows(), context);
    if (!trials) continue;
    EXPECT_GT(stops, 2);
    ASSERT_EQ(trials->size(), unbroken.size());
    for (std::size_t i = 0; i < unbroken.size(); ++i) {
      EXPECT_EQ((*trials)[i].setting, unbroken[i].setting);
      EXPECT_EQ((*trials)[i].answers, unbroken[i].answers) << unbroken[i].setting;
    }
    break;
  }
}

// As a SIGKILL leaves it: the last state that was written in passing, not the one that is written
// when `stop` ends a run.
TEST_F(BoostingCheckpointTest, AStateWrittenInPassingGoesOnToTheSameBits) {
  const Table table = MixedTable(2, 27);
  const Table held_out = MixedTable(2, 28);
  Context context = ContextOf(table, Classes(2));
  const Json setting = Setting(4, 0.7);
  const std::string unbroken = BytesOfModel(*Fit(table, context, setting, 50));
  const auto tried = MakeBoosting({})->Try(table.rows(), held_out.rows(), context).value();
  const auto learner = MakeBoosting({}, 0.15);
  // what was there at the n-th report becomes the checkpoint of a new run
  const auto kept_at = [&](int report, const auto& run) {
    context.checkpoint = folder_ + "/whole";
    context.stop = {};
    context.report = [&](const Progress&) {
      if (--report != 0) return;
      std::filesystem::create_directories(folder_ + "/killed");
      std::filesystem::copy(folder_ + "/whole", folder_ + "/killed",
                            std::filesystem::copy_options::recursive |
                                std::filesystem::copy_options::overwrite_existing);
    };
    run();
    EXPECT_LE(report, 0);
    context.report = {};
    context.checkpoint = folder_ + "/killed";
    ASSERT_TRUE(std::filesystem::exists(folder_ + "/killed/boosting.checkpoint"));
  };
  int asked = 0;
  const auto count = [&asked] {
    ++asked;
    return false;
  };
  kept_at(3, [&] { EXPECT_TRUE(learner->Fit(table.rows(), setting, 50, context)); });
  context.stop = count;
  const auto fitted = learner->Fit(table.rows(), setting, 50, context);
  ASSERT_TRUE(fitted) << fitted.error().message;
  EXPECT_EQ(BytesOfModel(**fitted), unbroken);
  EXPECT_GT(asked, 0);
  EXPECT_LT(asked, 50);

  kept_at(9, [&] { EXPECT_TRUE(learner->Try(table.rows(), held_out.rows(), context)); });
  const auto again = learner->Try(table.rows(), held_out.rows(), context);
  ASSERT_TRUE(again) << again.error().message;
  for (std::size_t i = 0; i < tried.size(); ++i)
    EXPECT_EQ((*again)[i].answers, tried[i].answers) << tried[i].setting;
}

TEST_F(BoostingCheckpointTest, IsNotTakenByAnotherRunNorWhenItIsTorn) {
  const Table table = MixedTable(2, 24);
  Context context = ContextOf(table, Classes(2));
  context.checkpoint = folder_;
  // rounds that a run makes: as often as it asks whether to stop
  const auto rounds_made = [&](const Table& rows, const Context& with, const Json& setting,
                               double rounds = 30) {
    int asked = 0;
    Context counted = with;
    counted.features = rows.features;
    counted.stop = [&asked] {
      ++asked;
      return false;
    };
    EXPECT_TRUE(MakeBoosting({})->Fit(rows.rows(), setting, rounds, counted));
    return asked;
  };
  EXPECT_EQ(rounds_made(table, context, Setting()), 30);
  EXPECT_EQ(rounds_made(table, context, Setting()), 0) << "it is there";
  EXPECT_EQ(rounds_made(MixedTable(2, 25), context, Setting()), 30) << "other rows";
  EXPECT_EQ(rounds_made(table, context, Setting(4)), 30) << "another setting";
  EXPECT_EQ(rounds_made(table, context, Setting(4), 20), 20) << "other rounds";
  Context other = context;
  other.seed = 8;
  EXPECT_EQ(rounds_made(table, other, Setting(4), 20), 20) << "another seed";
  EXPECT_EQ(rounds_made(table, other, Setting(4), 20), 0);
  const std::string path = folder_ + "/boosting.checkpoint";
  const std::string whole = ReadFile(path).value();
  for (const std::size_t size : {std::size_t(0), std::size_t(10), whole.size() - 1}) {
    std::ofstream(path, std::ios::trunc | std::ios::binary) << whole.substr(0, size);
    EXPECT_EQ(rounds_made(table, other, Setting(4), 20), 20) << "torn at " << size;
  }
  std::string turned = whole;
  turned[turned.size() / 2] ^= 1;
  std::ofstream(path, std::ios::trunc | std::ios::binary) << turned;
  EXPECT_EQ(rounds_made(table, other, Setting(4), 20), 20) << "a bit is turned";
}

TEST_F(BoostingCheckpointTest, EqualSeedsGiveEqualBitsOnOneAndOnTwoThreads) {
  const Table table = MixedTable(2, 26);
  Context context = ContextOf(table, Classes(2));
  const auto one = Fit(table, context, Setting(4, 0.6));
  const auto again = Fit(table, context, Setting(4, 0.6));
  EXPECT_EQ(BytesOfModel(*one), BytesOfModel(*again));
  context.threads = 2;
  const auto two = Fit(table, context, Setting(4, 0.6));
  EXPECT_EQ(one->Answer(table.x).value(), two->Answer(table.x).value());
  context.seed = 99;
  EXPECT_NE(two->Answer(table.x).value(),
            Fit(table, context, Setting(4, 0.6))->Answer(table.x).value());
}

}  // namespace
}  // namespace penstock::train
